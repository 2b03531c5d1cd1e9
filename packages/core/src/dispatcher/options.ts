// How one handler wants to hear, and what is refused when it says so.
import { Failure } from '../failure.ts';

/**
 * How many events wait for one handler, unless it says otherwise: enough for a burst of a busy page, and with events of
 * 200 bytes about 200 kB, so that a handler that never ends is noticed before the memory is.
 */
export const mailboxCapacity = 1024;

/**
 * What happens to an event that finds its handler's mailbox full. Whatever is dropped is counted as `overflow`.
 *
 * - `wait` (the default): an awaited dispatch waits for room; one that nobody awaits is dropped, and reported.
 * - `reject`: dropped, and the failure `QueueFull` goes to who awaits the dispatch, or to the reporter.
 * - `dropNewest`, `dropOldest`: one of them is dropped, and reported.
 * - `latest`: an event replaces a waiting one of the same key, which is counted as `superseded`; full, the oldest goes.
 *
 * The reporter is told once per burst: again only after the mailbox has been empty.
 */
export type Overflow = 'wait' | 'reject' | 'dropNewest' | 'dropOldest' | 'latest';

/** How one handler hears. */
export interface HandlerOptions<Data> {
  /** Stops the handler. */
  readonly signal?: AbortSignal | undefined;
  /** Hears one event, then stops. */
  readonly once?: boolean | undefined;
  /** Hears only what this accepts. One that throws is reported, and the event counted as failed. */
  readonly filter?: ((data: Data, type: string) => unknown) | undefined;
  /** Names the handler in failures and counts; by default the function's name. */
  readonly name?: string | undefined;
  /**
   * How many milliseconds one call may take. Then its signal is aborted, the call counts as failed, and the next event
   * is taken up, although the late one may still be running.
   */
  readonly timeoutMs?: number | undefined;
  /** How many calls may run at the same time; 1 by default, which keeps the order also of what handlers do. */
  readonly concurrency?: number | undefined;
  /** How many events may wait; {@link mailboxCapacity} by default. 0: none, only who is idle is called. */
  readonly capacity?: number | undefined;
  /** What happens beyond; a function decides each time. */
  readonly overflow?: Overflow | (() => Overflow) | undefined;
  /** With `latest`: events of one key replace each other. By default the type is the key. */
  readonly key?: ((data: Data, type: string) => unknown) | undefined;
  /** Called once when the handler has stopped, whoever stopped it. */
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

/**
 * Checks that `value` is a whole number, or Infinity, of at least `min`.
 *
 * @throws Failure `InvalidOptions`
 */
export function needCount(value: number, min: number, what: string): void {
  need(value >= min && (value === Infinity || Number.isInteger(value)), `${what} of at least ${min}`, value);
}
