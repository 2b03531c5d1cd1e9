// dispatch → handle: one handler, the events that wait for it, and its counts. Nothing that happens here touches its neighbours.
import { compilePattern } from '../event/pattern.ts';
import { Failure, type FailureName } from '../failure.ts';
import { type AbortableCall, createCall, type HandlerCall } from './call.ts';
import { addCounts, type Counts, type DropReason, noCounts } from './counts.ts';
import { closed, handlerFailed } from './failures.ts';
import { type HandlerOptions, mailboxCapacity, need, needCount } from './options.ts';
import { release, type Run } from './run.ts';

/** What hears events. What it returns is awaited if it can be, and else ignored. */
// `never`: a handler of any payload is one of these, and none can be fed through it.
export type EventHandler = (data: never, call: HandlerCall) => unknown;

/** An event that waits for one handler, or is with it. */
export interface Item {
  readonly box: Mailbox;
  readonly type: string;
  readonly data: unknown;
  readonly run: Run | undefined;
  /** How many dispatches deep it was caused. */
  readonly depth: number;
  key: unknown;
  call: AbortableCall | undefined;
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
  counts: Counts;
  /** Nothing has to be asked before it is called, and so far it has never made anyone wait. */
  plain: boolean;
  stopped: boolean;
  /** What is called with the payload of an event of this type. */
  entry(type: string): (data: unknown) => unknown;
  /** Takes an event, or counts why not. Never throws. */
  offer(type: string, data: unknown, run?: Run): void;
  /** Goes on with what a plain call returned or threw. */
  returned(result: unknown, type: string, data: unknown): void;
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
  /** The counts of those that have stopped. */
  readonly gone: Counts;
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

  const call = handler as (data: unknown, call: HandlerCall) => unknown;
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
    if (run?.awaited) run.failures.push(failure);
    else host.tell(failure);
  };

  const drop = (reason: DropReason, item?: Item): void => {
    const { dropped } = box.counts;
    dropped[reason] = (dropped[reason] ?? 0) + 1;
    if (item === undefined) return;
    if (reason === 'closed' && item.run?.awaited) tell(closed(), item.type, item.data, item.run, 'Closed');
    end(item);
  };

  const itemOf = (type: string, data: unknown, run: Run | undefined): Item => {
    const item: Item = { box, type, data, run, depth: host.depth, key: undefined, call: undefined, open: true };
    box.counts.pending += 1;
    if (run !== undefined) {
      run.pending += 1;
      run.items.push(item);
    }
    return item;
  };
  const end = (item: Item): void => {
    item.open = false;
    box.counts.pending -= 1;
    if (item.run !== undefined) release(item.run);
    host.ended();
  };

  const follow = (promise: Promise<unknown>, item: Item): void => {
    const { type, data, run } = item;
    running += 1;
    const finish = (error?: unknown, failed?: boolean, name?: FailureName): void => {
      if (!item.open) {
        // It ran out of time before; what it threw since then is told, and counted no more.
        if (failed) tell(error, type, data);
        return;
      }
      stopTimer?.();
      running -= 1;
      if (failed) box.threw(error, type, data, run, name);
      else box.counts.delivered += 1;
      end(item);
      if (queue.size > 0) pump();
    };
    const stopTimer =
      timeoutMs === undefined
        ? undefined
        : host.after(timeoutMs, () => {
            const late = new Failure('TimedOut', `it had not ended after ${timeoutMs} ms`);
            item.call?.abort(late);
            finish(late, true, 'TimedOut');
          });
    promise.then(
      () => finish(),
      (error: unknown) => finish(error, true),
    );
  };

  /** Calls the handler; `item` is given when the event has waited. */
  const begin = (type: string, data: unknown, run?: Run, item?: Item): void => {
    if (once) leave('detached');
    const own = createCall(source, type, run);
    try {
      const result = call(data, own);
      if (isThenable(result)) {
        item ??= itemOf(type, data, run);
        item.call = own;
        follow(Promise.resolve(result), item);
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
    const item = itemOf(type, data, run);
    item.key = name ?? item;
    queue.set(item.key, item);
  };

  const pump = (): void => {
    host.hold(() => {
      while (!box.stopped && running < concurrency && queue.size > 0) {
        const item = first();
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
      if (!box.plain) return (data) => box.offer(type, data);
      if (call.length === 1) return call as (data: unknown) => unknown;
      const all = createCall(source, type);
      return (data) => call(data, all);
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
      // It is counted with its route, as delivered; and from now on by itself.
      box.counts.delivered -= 1;
      host.slowDown(box);
      follow(Promise.resolve(result), itemOf(type, data, undefined));
    },
    threw(error, type, data, run, name) {
      box.counts.failed += 1;
      tell(error, type, data, run, name);
    },
    withdraw(item, reason) {
      if (item.call !== undefined) item.call.abort(reason);
      else drop('cancelled', take(item));
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
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
