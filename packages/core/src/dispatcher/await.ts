// The awaited dispatch: resolves when every handler has ended, and always within a bounded time.
import type { EventName } from '../event/define.ts';
import { Failure, type FailureName } from '../failure.ts';
import type { Call, Outcome, Run } from './call.ts';
import { type AnyDispatcher, type Dispatcher, type DispatchOptions, type EventOf, nameOf } from './contract.ts';
import { closed, type HandlerFailure, handlerFailed } from './failures.ts';
import { needCount } from './options.ts';
import type { PayloadOf } from './types.ts';

/**
 * How long an awaited dispatch waits where nobody said: longer than any honest handler, and short enough that two
 * handlers that wait for each other are told so. It is checked once a second, with one timer for all.
 */
export const awaitMs = 30_000;
const tickMs = 1000;

/** How an event is dispatched and awaited. */
export interface AwaitOptions<Context = unknown> extends DispatchOptions<Context> {
  /** How many milliseconds to wait; {@link awaitMs} by default. */
  readonly timeoutMs?: number | undefined;
  /** Gives up: what has not begun is taken back, what is running gets its signal aborted. */
  readonly signal?: AbortSignal | undefined;
  /** One handler after the other, in the order in which they were added. */
  readonly sequential?: boolean | undefined;
  /** One after the other, and none after the first that fails. */
  readonly stopAtFirst?: boolean | undefined;
}

/** What an awaited dispatch rejects with: every failure of its handlers, in the order in which they failed. */
export interface DispatchFailure extends Failure {
  readonly failures: readonly HandlerFailure[];
}

/** Awaits what it dispatches. */
export interface Waiting<Events, Context = unknown> {
  /**
   * Dispatches, and resolves when all handlers have ended. Without handlers it resolves at once.
   *
   * @throws Failure `DispatchFailed` with all failures of handlers; `TimedOut` and `Cancelled`, naming those that had
   * not ended; and what `dispatch` throws
   */
  dispatchAndWait<Name extends EventName<Events>>(
    event: EventOf<Name>,
    data: PayloadOf<Events, NoInfer<Name>>,
    options?: AwaitOptions<Context>,
  ): Promise<void>;
}

/** What is done when it returns needs no promise of its own. */
const done = Promise.resolve();

/**
 * Lets a dispatcher be awaited; it is the same one.
 *
 * @example
 * ```ts
 * const shop = withWaiting(createDispatcher<{ 'order.placed': { total: number } }>());
 * await shop.dispatchAndWait('order.placed', { total: 13 }, { timeoutMs: 1000 });
 * ```
 */
export function withWaiting<Events, Context, Its>(
  dispatcher: Dispatcher<Events, Context> & Its,
): Dispatcher<Events, Context> & Its & Waiting<Events, Context>;
export function withWaiting(dispatcher: AnyDispatcher): AnyDispatcher & Waiting<Record<string, unknown>> {
  /** Those without a bound of their own. */
  const unbounded = new Set<Wait>();
  let ticking = false;
  const tickLater = (): void => {
    ticking = unbounded.size > 0;
    if (ticking) dispatcher.world.after(tickMs, tick);
  };
  const tick = (): void => {
    for (const wait of unbounded) {
      wait.ageMs += tickMs;
      if (wait.ageMs > awaitMs) wait.giveUp(new Failure('TimedOut', `"${wait.type}" was awaited for ${awaitMs} ms`));
    }
    tickLater();
  };

  const settled = (wait: Wait, { timeoutMs, signal }: AwaitOptions): Promise<void> =>
    new Promise((resolve, reject) => {
      const giveUp = (name: FailureName, how: string): void =>
        wait.giveUp(new Failure(name, `"${wait.type}" was ${how}`, { cause: signal?.reason }));
      const cancel = (): void => giveUp('Cancelled', 'given up');
      const stopTimer =
        timeoutMs && dispatcher.world.after(timeoutMs, () => giveUp('TimedOut', `awaited for ${timeoutMs} ms`));
      if (!stopTimer) {
        unbounded.add(wait);
        if (!ticking) tickLater();
      }
      signal?.addEventListener('abort', cancel);
      wait.onEnd = (failure) => {
        if (stopTimer) stopTimer();
        else unbounded.delete(wait);
        signal?.removeEventListener('abort', cancel);
        if (failure) reject(failure);
        else resolve();
      };
    });

  return Object.assign(dispatcher, {
    dispatchAndWait(event: EventOf<string>, data: unknown, options: AwaitOptions = {}): Promise<void> {
      const wait = new Wait(nameOf(event), options);
      try {
        if (options.timeoutMs !== undefined) needCount(options.timeoutMs, 1, 'timeoutMs');
        if (options.signal?.aborted) {
          throw new Failure('Cancelled', `"${wait.type}" was given up before`, { cause: options.signal.reason });
        }
        dispatcher.dispatch(event, data, wait);
        if (wait.pending > 0) return settled(wait, options);
        if (wait.failures) throw wait.failure();
        return done;
      } catch (error) {
        return Promise.reject(error);
      }
    },
  });
}

/** One dispatch that somebody awaits. */
class Wait implements Run {
  readonly type: string;
  readonly context: unknown;
  readonly options: AwaitOptions;
  /** Calls that have not ended, and 1 while they are being handed out. */
  pending = 1;
  /** The last of the calls that it made: a chain, which takes no array that grows. */
  last: Call | undefined = undefined;
  failures: HandlerFailure[] | undefined = undefined;
  onEnd: ((failure?: Failure) => void) | undefined = undefined;
  /** Called whenever one has ended, by who goes on with the next. */
  onStep: (() => void) | undefined = undefined;
  /** How long it has waited without a bound of its own. */
  ageMs = 0;
  over = false;
  handOut: ((calls: readonly Call[], hold: (work: () => void) => void) => void) | undefined = undefined;
  private controller: AbortController | undefined = undefined;

  constructor(type: string, options: AwaitOptions) {
    this.type = type;
    this.context = options.context;
    this.options = options;
    if (options.sequential || options.stopAtFirst) this.handOut = (_, hold) => void this.inSequence(hold);
  }

  get signal(): AbortSignal {
    return (this.controller ??= new AbortController()).signal;
  }

  begun(call: Call): void {
    this.pending += 1;
    call.earlier = this.last;
    this.last = call;
  }

  /** In the order in which they were made. */
  private calls(): Call[] {
    const calls: Call[] = [];
    for (let call = this.last; call; call = call.earlier) calls.unshift(call);
    return calls;
  }

  handed(): void {
    this.release();
  }

  failed: ((failure: HandlerFailure) => void) | undefined = (failure) => void (this.failures ??= []).push(failure);

  ended(call: Call, outcome: Outcome): void {
    if (outcome === 'closed') this.failed?.(handlerFailed(call, closed(), 'Closed'));
    this.release();
  }

  failure(): DispatchFailure {
    const { failures = [] } = this;
    const message = `"${this.type}": ${failures.map((each) => each.message).join('; ')}`;
    return Object.assign(new Failure('DispatchFailed', message, { cause: failures[0] }), { failures });
  }

  /** Stops waiting: what has not begun is taken back, what is running is told so. */
  giveUp(why: Failure): void {
    const open = this.calls().filter((call) => call.open);
    const names = open.map(({ box }) => box.name).join(', ') || 'none had begun';
    const failure = new Failure(why.name, `${why.message}; not ended: ${names}`, { cause: why.cause });
    this.over = true;
    // What has not been handed out by now never is.
    this.handOut = (calls) => calls.forEach((call) => call.box.drop(call, 'cancelled'));
    this.failed = undefined;
    this.onEnd?.(failure);
    this.onEnd = undefined;
    for (const call of open) if (call.box.waiting.has(call)) call.box.drop(call, 'cancelled');
    (this.controller ??= new AbortController()).abort(failure);
    this.onStep?.();
  }

  private offer(call: Call): void {
    if (this.over) call.box.drop(call, 'cancelled');
    else call.box.offer(call);
  }

  private release(): void {
    this.pending -= 1;
    if (this.pending === 0) this.onEnd?.(this.failures && this.failure());
    this.onStep?.();
  }

  private async inSequence(hold: (work: () => void) => void): Promise<void> {
    for (const call of this.calls()) {
      if (this.options.stopAtFirst && this.failures) call.box.drop(call, 'cancelled');
      else hold(() => this.offer(call));
      await new Promise<void>((resolve) => {
        this.onStep = () => {
          if (!call.open || this.over) resolve();
        };
        this.onStep();
      });
    }
    this.release();
  }
}
