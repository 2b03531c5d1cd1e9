// The awaited dispatch: resolves when every handler has ended, and always within a bounded time.
import type { EventName } from '../event/define.ts';
import { Failure, type FailureName } from '../failure.ts';
import type { Call, HandlerFailure, Outcome, Run } from './call.ts';
import { type AnyDispatcher, type Dispatcher, type DispatchOptions, type EventOf, nameOf } from './contract.ts';
import { closed, handlerFailed } from './failures.ts';
import { offer as offerCall } from './mailbox.ts';
import { needCount, needSignal } from './options.ts';
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
export function withWaiting(
  dispatcher: AnyDispatcher & Partial<Waiting<Record<string, unknown>>>,
): AnyDispatcher & Waiting<Record<string, unknown>> {
  /** Those without a bound of their own stand in a ring, the oldest first, and this between them. */
  const ring = new Wait('', {});
  let ticks = 0;
  let ticking = false;
  const tickLater = (): void => {
    ticking = ring.newer !== ring;
    if (ticking) dispatcher.world.after(tickMs, tick);
  };
  const tick = (): void => {
    ticks += 1;
    while (ring.newer.until < ticks) ring.newer.giveUp('TimedOut', `awaited for ${awaitMs} ms`);
    tickLater();
  };

  const settled = (wait: Wait, { timeoutMs, signal }: AwaitOptions): Promise<void> => {
    const stopTimer =
      timeoutMs && dispatcher.world.after(timeoutMs, () => wait.giveUp('TimedOut', `awaited for ${timeoutMs} ms`));
    if (!stopTimer) {
      wait.until = ticks + awaitMs / tickMs;
      wait.older = ring.older;
      wait.newer = ring;
      ring.older = ring.older.newer = wait;
      if (!ticking) tickLater();
    }
    const promise = new Promise<void>((resolve, reject) => {
      // Not `wait.resolve = () => …`: V8 makes a function that is written where a property is set in its old space, and
      // all that such a function of an event that is over still holds is copied, until old space is looked through.
      wait.resolve = resolve;
      wait.reject = reject;
    });
    if (stopTimer || signal) {
      const cancel = (): void => wait.giveUp('Cancelled', 'given up', signal?.reason);
      const letGo = (): void => {
        if (stopTimer) stopTimer();
        signal?.removeEventListener('abort', cancel);
      };
      wait.letGo = letGo;
      signal?.addEventListener('abort', cancel);
      // By one of its handlers.
      if (signal?.aborted) cancel();
    }
    return promise;
  };

  return Object.assign(dispatcher, {
    // Wrapped twice is wrapped once.
    dispatchAndWait:
      dispatcher.dispatchAndWait ??
      ((event: EventOf<string>, data: unknown, options?: AwaitOptions): Promise<void> => {
        try {
          options ??= {};
          const wait = new Wait(nameOf(event), options);
          needCount(options.timeoutMs ?? 1, 1, 'timeoutMs');
          needSignal(options.signal);
          if (options.signal?.aborted) {
            throw new Failure('Cancelled', `"${wait.type}" was given up before`, { cause: options.signal.reason });
          }
          dispatcher.dispatch(event, data, wait);
          if (wait.pending) return settled(wait, options);
          if (wait.failures) throw wait.failure();
          return done;
        } catch (error) {
          return Promise.reject(error);
        }
      }),
  });
}

/** One dispatch that somebody awaits. */
class Wait implements Run {
  declare readonly type: string;
  declare readonly context: unknown;
  declare readonly options: AwaitOptions;
  /** Calls that have not ended, and 1 while they are being handed out. */
  pending = 1;
  /** The last of the calls that it made: a chain, which takes no array that grows. */
  last: Call | undefined;
  failures: HandlerFailure[] | undefined;
  resolve: (() => void) | undefined;
  reject: ((failure: Failure) => void) | undefined;
  /** Lets the timer and the signal go. */
  letGo: (() => void) | undefined;
  /** Called whenever one has ended, by who goes on with the next. */
  onStep: (() => void) | undefined;
  /** The last tick that it waits for, without a bound of its own. */
  until = Infinity;
  /**
   * Its neighbours in the ring. A set would leave a table behind each time that it is filled and emptied, and every such
   * table holds the next: rows that the garbage collector copies.
   */
  older: Wait = this;
  newer: Wait = this;
  /** It has ended, or was given up. */
  over = false;
  handOut: ((calls: readonly Call[], hold: (work: () => void) => void) => void) | undefined;
  private controller: AbortController | undefined;

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

  /** One less to wait for. */
  handed(): void {
    this.pending -= 1;
    if (!this.pending) this.end(this.failures && this.failure());
    this.onStep?.();
  }

  failed: ((failure: HandlerFailure) => void) | undefined = (failure) => void (this.failures ??= []).push(failure);

  ended(call: Call, outcome: Outcome): void {
    if (outcome === 'closed') this.failed?.(handlerFailed(call, closed(), 'Closed'));
    this.handed();
  }

  failure(): DispatchFailure {
    const { failures = [] } = this;
    const message = `"${this.type}": ${failures.map((each) => each.message).join('; ')}`;
    return Object.assign(new Failure('DispatchFailed', message, { cause: failures[0] }), { failures });
  }

  /** Stops waiting: what has not begun is taken back, what is running is told so. */
  giveUp(name: FailureName = 'Closed', how = 'dropped by closing', cause?: unknown): void {
    if (this.over) return;
    const open = this.calls().filter((call) => call.open);
    const names = open.map(({ box }) => box.name).join(', ') || 'none had begun';
    const failure = new Failure(name, `"${this.type}" was ${how}; not ended: ${names}`, { cause });
    // What has not been handed out by now never is.
    this.handOut = (calls) => calls.forEach((call) => call.box.drop(call, 'cancelled'));
    this.failed = undefined;
    this.end(failure);
    for (const call of open) if (call.box.waiting.has(call)) call.box.drop(call, 'cancelled');
    (this.controller ??= new AbortController()).abort(failure);
    this.onStep?.();
  }

  private end(failure?: Failure): void {
    if (this.over) return;
    this.over = true;
    this.older.newer = this.newer;
    this.newer.older = this.older;
    this.older = this.newer = this;
    this.letGo?.();
    if (failure) this.reject?.(failure);
    else this.resolve?.();
  }

  private async inSequence(hold: (work: () => void) => void): Promise<void> {
    let later: typeof hold | undefined;
    for (const call of this.calls()) {
      const offer = (): void => {
        if (this.over || (this.options.stopAtFirst && this.failures)) call.box.drop(call, 'cancelled');
        else offerCall(call);
      };
      // The first has the place in which it was dispatched; the others come when they come.
      if (later) later(offer);
      else offer();
      later = hold;
      await new Promise<void>((resolve) => {
        this.onStep = () => {
          if (!call.open || this.over) resolve();
        };
        this.onStep();
      });
    }
    this.handed();
  }
}
