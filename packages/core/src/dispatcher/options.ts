// How one handler wants to hear, and what is refused when it says so.
import { Failure } from '../failure.ts';
import type { Call, HandlerCall, Mailbox } from './call.ts';
import { closeMs } from './limits.ts';

/** What hears events. What it returns is awaited if it can be, and else ignored. */
// `never`: a handler of any payload is one of these, and none can be fed through it.
export type AnyHandler = (data: never, call: HandlerCall) => unknown;

/**
 * Decides what becomes of an event that has just joined those that wait: see `dropOldest`, `keepLatest`. Where it leaves more
 * than may wait, that event is dropped as by default.
 */
export type Overflow = (mailbox: Mailbox, call: Call) => void;

/** How something is closed. */
export interface CloseOptions {
  /** How many milliseconds it may take; {@link closeMs} by default. */
  readonly timeoutMs?: number | undefined;
}

/** How one handler hears. */
export interface HandlerOptions<Data> {
  /** Stops the handler. */
  readonly signal?: AbortSignal | undefined;
  /** Hears one event, then stops. */
  readonly once?: boolean | undefined;
  /** Hears only what this accepts. One that throws is reported, and the event counted as failed. */
  readonly filter?: ((data: Data, type: string) => boolean) | undefined;
  /** Names the handler in failures and counts; by default the function's name. */
  readonly name?: string | undefined;
  /**
   * How many calls may run at the same time; 1 by default, which keeps the order also of what handlers do. 0, with
   * `overflow` only: it is never called, and all waits for `overflow` to take it.
   */
  readonly concurrency?: number | undefined;
  /** How many events may wait; {@link mailboxCapacity} by default. 0: none, only who is idle is called. */
  readonly capacity?: number | undefined;
  /** What happens beyond; by default an awaited dispatch waits for room, and what nobody awaits is dropped and reported. */
  readonly overflow?: Overflow | undefined;
  /** Called once when the handler has stopped, whoever stopped it. What it throws is reported. */
  readonly onStop?: (() => void) | undefined;
}

/**
 * Refuses what makes no sense.
 *
 * @throws Failure `InvalidOptions` unless `ok`
 */
export function need(ok: boolean, what: string, got: unknown): void {
  if (!ok) throw new Failure('InvalidOptions', `expected ${what}; got ${String(got)}`);
}

/** @throws Failure `InvalidOptions` unless `value` can be called */
export function needFunction(value: unknown): void {
  need(typeof value === 'function', 'a function', value);
}

/** @throws Failure `InvalidOptions` where `value` is something that cannot abort: its controller, say */
export function needSignal(value: AbortSignal | undefined): void {
  need(!value || value.aborted !== undefined, 'an AbortSignal', value);
}

/**
 * Checks that `value` is a whole number, or Infinity, of at least `min`.
 *
 * @throws Failure `InvalidOptions`
 */
export function needCount(value: number, min: number, what: string): void {
  // What is left of Infinity is no number.
  need(typeof value === 'number' && value >= min && !(value % 1), `${what} of at least ${min}`, value);
}

/** How long closing may take, in milliseconds. @throws Failure `InvalidOptions` */
export function closingMs(options: CloseOptions | undefined): number {
  const timeoutMs = options?.timeoutMs ?? closeMs;
  needCount(timeoutMs, 0, 'timeoutMs');
  return timeoutMs;
}
