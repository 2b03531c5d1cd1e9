// dispatch → handle: one handler, the events that wait for it, and its counts. Nothing that happens here touches its neighbours.
import { compilePattern } from '../event/pattern.ts';
import { Failure, type FailureName } from '../failure.ts';
import { Call, type HandlerCall } from './call.ts';
import { addCounts, type HandlerCounts, type DropReason, noCounts } from './counts.ts';
import { closed, handlerFailed } from './failures.ts';
import { type HandlerOptions, mailboxCapacity, need, needCount } from './options.ts';
import { release, type Run } from './run.ts';

/** What hears events. What it returns is awaited if it can be, and else ignored. */
// `never`: a handler of any payload is one of these, and none can be fed through it.
export type EventHandler = (data: never, call: HandlerCall) => unknown;

/** What a handler resolves with that found nobody to take the event: it is counted as `detached`, not as delivered. */
export const notTaken: unique symbol = Symbol('not taken');

/** An event that waits for one handler, or is with it. */
export interface Item {
  readonly box: Mailbox;
  readonly type: string;
  readonly data: unknown;
  readonly run: Run | undefined;
  /** How many dispatches deep it was caused. */
  readonly depth: number;
  key: unknown;
  /** It is with the handler; with this call, if it asked for one. */
  begun: boolean;
  call: Call | undefined;
  /** Not ended. */
  open: boolean;
}

/** One handler with its queue. */
export interface Mailbox {
  readonly pattern: string;
  readonly name: string;
  readonly handler: EventHandler;
  readonly matches: (type: string) => boolean;
  /** Where it counts: its own, and once it has stopped the sum of all that have. */
  counts: HandlerCounts;
  /** Nothing has to be asked before it is called, and so far it has never made anyone wait. */
  plain: boolean;
  stopped: boolean;
  /** What is called with the payload of an event of this type. */
  entry(type: string): (data: unknown) => unknown;
  /** Takes an event, or counts why not. Never throws. */
  offer(type: string, data: unknown, run?: Run): void;
  /** Goes on with what a plain call returned, or threw. */
  returned(result: unknown, type: string, data: unknown): void;
  threwAtOnce(error: unknown, type: string, data: unknown): void;
  threw(error: unknown, type: string, data: unknown, run?: Run, name?: FailureName): void;
  withdraw(item: Item, reason: Failure): void;
  stop(reason?: DropReason): boolean;
}

/** What a mailbox needs of the registry that it is in. */
export interface MailboxHost {
  readonly after: (ms: number, callback: () => void) => () => void;
  readonly context: unknown;
  readonly publish: (type: string, data: unknown, context: unknown) => void;
  /** How many dispatches deep what happens now was caused. */
  depth: number;
  /** Who awaits the event that is being handed out. */
  run: Run | undefined;
  /** The counts of those that have stopped. */
  readonly gone: HandlerCounts;
  tell(failure: Failure): void;
  /** Does something during which dispatches are held. */
  hold(work: () => void): void;
  /** Takes it out of the routes. */
  remove(box: Mailbox): void;
  /** It was plain, and is no more. */
  slowDown(box: Mailbox): void;
  /** Something that was pending has ended. */
  ended(): void;
}

/**
 * Makes the mailbox of one handler.
 *
 * @throws Failure `InvalidPattern`, `InvalidOptions`
 */
export function createMailbox(
  host: MailboxHost,
  pattern: string,
  handler: EventHandler,
  options: HandlerOptions<never>,
): Mailbox {
  const { filter, once, timeoutMs, concurrency = 1, capacity = mailboxCapacity, overflow, key, signal } = options;
  need(typeof handler === 'function', 'a function', handler);
  need(filter === undefined || typeof filter === 'function', 'a filter function', filter);
  needCount(concurrency, 1, 'concurrency');
  needCount(capacity, 0, 'capacity');
  need(timeoutMs === undefined || timeoutMs > 0, 'timeoutMs above 0', timeoutMs);

  // A map keeps the order of arrival, and lets any of them leave at once. An iterator that stays where it is makes taking
  // the first one cost the same however many have left before.
  const queue = new Map<unknown, Item>();
  let arrivals = queue.values();
  let running = 0;
  let warned = false;
  let controller: AbortController | undefined;

  const call = handler as (data: unknown, call?: HandlerCall) => unknown;
  const takesCall = call.length !== 1;
  const source = {
    context: host.context,
    publish: host.publish,
    stopSignal: (): AbortSignal => {
      controller ??= new AbortController();
      if (box.stopped) controller.abort();
      return controller.signal;
    },
  };

  const take = (item: Item | undefined): Item | undefined => {
    if (item !== undefined) queue.delete(item.key);
    return item;
  };
  const first = (): Item | undefined => {
    let next = arrivals.next();
    // An iterator that has once come to the end stays there.
    if (next.done) next = (arrivals = queue.values()).next();
    return take(next.value);
  };

  const tell = (error: unknown, type: string, data: unknown, run?: Run, name?: FailureName): void => {
    const failure = handlerFailed(error, box.name, type, data, name);
    if (run?.awaited) (run.failures ??= []).push(failure);
    else host.tell(failure);
  };

  const drop = (reason: DropReason, item?: Item): void => {
    const { dropped } = box.counts;
    dropped[reason] = (dropped[reason] ?? 0) + 1;
    if (item === undefined) return;
    if (reason === 'closed' && item.run?.awaited) tell(closed(), item.type, item.data, item.run, 'Closed');
    end(item);
  };

  const itemOf = (type: string, data: unknown, run: Run | undefined, key?: unknown): Item => {
    const { depth } = host;
    const item: Item = {
      box,
      type,
      data,
      run,
      depth,
      key,
      begun: false,
      call: undefined,
      open: true,
    };
    box.counts.pending += 1;
    if (run !== undefined) {
      run.pending += 1;
      (run.items ??= []).push(item);
    }
    return item;
  };
  const end = (item: Item): void => {
    item.open = false;
    box.counts.pending -= 1;
    if (item.run !== undefined) release(item.run);
    host.ended();
  };

  /** The call is over: it went well, or `failed`. */
  const finish = (item: Item, outcome: unknown, failed: boolean, name?: FailureName): void => {
    const { type, data, run } = item;
    if (!item.open) {
      // It ran out of time before; what it threw since then is told, and counted no more.
      if (failed) tell(outcome, type, data);
      return;
    }
    running -= 1;
    if (failed) box.threw(outcome, type, data, run, name);
    else if (outcome === notTaken) drop('detached');
    else box.counts.delivered += 1;
    end(item);
    if (queue.size > 0) pump();
  };
  // Where only one can be running, two functions serve all calls.
  let current: Item;
  const one = concurrency === 1 && timeoutMs === undefined;
  const wentWell = (outcome: unknown): void => finish(current, outcome, false);
  const wentWrong = (error: unknown): void => finish(current, error, true);

  const follow = (promise: Promise<unknown>, item: Item): void => {
    // From now on it must be asked first whether it is free.
    if (box.plain) host.slowDown(box);
    running += 1;
    item.begun = true;
    current = item;
    if (one) {
      promise.then(wentWell, wentWrong);
      return;
    }
    const stopTimer =
      timeoutMs === undefined
        ? undefined
        : host.after(timeoutMs, () => {
            const late = new Failure('TimedOut', `it had not ended after ${timeoutMs} ms`);
            item.call?.abort(late);
            finish(item, late, true, 'TimedOut');
          });
    const end = (outcome: unknown, failed: boolean): void => {
      stopTimer?.();
      finish(item, outcome, failed);
    };
    promise.then(
      (outcome) => end(outcome, false),
      (error: unknown) => end(error, true),
    );
  };

  /** Calls the handler; `item` is given when the event has waited. */
  const begin = (type: string, data: unknown, run?: Run, item?: Item): void => {
    if (once) leave('detached');
    let own: Call | undefined;
    try {
      const result = takesCall ? call(data, (own = new Call(source, type, run))) : call(data);
      if (isThenable(result)) {
        item ??= itemOf(type, data, run);
        item.call = own;
        follow(result instanceof Promise ? result : Promise.resolve(result), item);
        return;
      }
      box.counts.delivered += 1;
    } catch (error) {
      box.threw(error, type, data, run);
    }
    if (item !== undefined) end(item);
  };

  const enqueue = (type: string, data: unknown, run?: Run): void => {
    const name = overflow === 'latest' ? (key === undefined ? type : key(data as never, type)) : undefined;
    const older = take(queue.get(name));
    if (older !== undefined) drop('superseded', older);
    if (queue.size >= capacity) {
      const policy = (typeof overflow === 'function' ? overflow() : overflow) ?? 'wait';
      const lossless = policy === 'wait' || policy === 'reject';
      if (policy !== 'wait' || !run?.awaited) {
        const oldest = lossless || policy === 'dropNewest' ? undefined : first();
        drop('overflow', oldest);
        // Who awaits is told each time; the reporter once, until the mailbox has been empty.
        const listener = lossless && run?.awaited ? run : undefined;
        if (listener !== undefined || !warned) {
          warned ||= listener === undefined;
          const full = new Failure('QueueFull', `event queue full: ${capacity} events wait (${policy})`);
          tell(full, type, data, listener, 'QueueFull');
        }
        if (oldest === undefined) return;
      }
    }
    const item = itemOf(type, data, run, name);
    item.key ??= item;
    queue.set(item.key, item);
  };

  const pump = (): void => {
    host.hold(() => {
      for (;;) {
        // Calling the handler changes all of these.
        const item = box.stopped || running >= concurrency ? undefined : first();
        if (item === undefined) break;
        host.depth = item.depth;
        begin(item.type, item.data, item.run, item);
      }
    });
    if (queue.size === 0) warned = false;
  };

  const leave = (reason: DropReason): boolean => {
    if (box.stopped) return false;
    box.stopped = true;
    host.remove(box);
    addCounts(host.gone, box.counts);
    box.counts = host.gone;
    for (let item = first(); item !== undefined; item = first()) drop(reason, item);
    signal?.removeEventListener('abort', abort);
    options.onStop?.();
    return true;
  };
  const abort = (): boolean => box.stop();

  const box: Mailbox = {
    pattern,
    handler,
    name: options.name ?? (handler.name || 'anonymous'),
    matches: compilePattern(pattern),
    counts: noCounts(),
    plain: filter === undefined && !once && timeoutMs === undefined,
    stopped: signal?.aborted === true,
    entry(type) {
      if (!box.plain) return (data) => box.offer(type, data, host.run);
      if (!takesCall) return call;
      const all = new Call(source, type);
      return (data) => {
        if (host.run === undefined) return call(data, all);
        // Somebody awaits it, who may give up on this one call; so it counts for itself, and not with its route.
        box.counts.passed -= 1;
        box.counts.delivered -= 1;
        return box.offer(type, data, host.run);
      };
    },
    offer(type, data, run) {
      if (box.stopped) return;
      box.counts.passed += 1;
      try {
        if (filter !== undefined && !filter(data as never, type)) box.counts.filtered += 1;
        // The filter may have stopped its own handler.
        else if (box.stopped) drop('detached');
        else if (queue.size === 0 && running < concurrency) begin(type, data, run);
        else enqueue(type, data, run);
      } catch (error) {
        // What was handed in threw: the filter, the key or the policy. `begin` never does.
        box.threw(error, type, data, run);
      }
    },
    returned(result, type, data) {
      if (!isThenable(result)) return;
      // It was counted with its route, as passed and delivered; the second is not so sure.
      box.counts.delivered -= 1;
      follow(Promise.resolve(result), itemOf(type, data, host.run));
    },
    threwAtOnce(error, type, data) {
      box.counts.delivered -= 1;
      box.threw(error, type, data, host.run);
    },
    threw(error, type, data, run, name) {
      box.counts.failed += 1;
      tell(error, type, data, run, name);
    },
    withdraw(item, reason) {
      if (!item.begun) drop('cancelled', take(item));
      else item.call?.abort(reason);
    },
    stop(reason = 'detached') {
      const left = leave(reason);
      if (left) controller?.abort();
      return left;
    },
  };
  signal?.addEventListener('abort', abort);
  return box;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (value instanceof Promise) return true;
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
