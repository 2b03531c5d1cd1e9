// dispatch: one event to every handler that hears its type, in the order in which they came. The typed dispatcher, the
// broker, streams and `runtime.on` are built on this: `createRegistry({ after, report })`, then `registry.on(pattern,
// handler, options)` and `registry.dispatch(type, data)`, where `data` is a payload or an event made elsewhere.
import { Failure, toFailure } from '../failure.ts';
import { addCounts, type HandlerCounts, noCounts } from './counts.ts';
import { closed } from './failures.ts';
import { createMailbox, type EventHandler, type Mailbox, type MailboxHost } from './mailbox.ts';
import type { HandlerOptions } from './options.ts';
import { createRoutes, type Entry, type Listeners, type Route } from './routes.ts';
import { createRun, giveUp, release, type Run } from './run.ts';

/**
 * How deep events may cause events without a pause. Nothing recurses (an event dispatched inside a handler is taken up
 * after the one that is being handed out), so this is no stack's limit: it ends what would go round for ever.
 */
export const depthMax = 1000;

/** How many events may be held: before the start, or dispatched by handlers of an event that is still being handed out. */
export const heldMax = 100_000;

/** What a registry is made of. */
export interface RegistryOptions {
  /** `World.after`. */
  readonly after: (ms: number, callback: () => void) => () => void;
  /** Hears every failure that nobody awaits. */
  readonly report: (failure: Failure) => unknown;
  /** What handlers get as `call.context` where a dispatch names none. */
  readonly context?: unknown;
  /** True: events are held until `start`. */
  readonly held?: boolean | undefined;
  /** Hears of each type when it is first seen. */
  readonly onFirstSight?: ((type: string) => void) | undefined;
  /** What `call.publish` does; by default it dispatches here. */
  readonly publish?: ((type: string, data: unknown, context: unknown) => void) | undefined;
}

/** A type, by what bears its name. */
export interface Named {
  readonly name: string;
}

/** The name of a type. */
export function nameOf(event: string | Named): string {
  return typeof event === 'string' ? event : event.name;
}

/** What a registry counts, per process. */
export interface RegistryCounts {
  /** Events that were accepted. */
  readonly published: number;
  /** Of those, events that wait to be handed out, and events that were dropped before. */
  readonly held: number;
  readonly dropped: number;
  /** All handlers together, also those that have stopped. */
  readonly total: Readonly<HandlerCounts>;
  /** Those that hear now. */
  readonly handlers: readonly (Readonly<HandlerCounts> & { readonly name: string; readonly pattern: string })[];
}

/**
 * Handlers, and the way events take to them. Events reach each handler in the order of the calls to `dispatch`, also
 * when a handler dispatches: its events are taken up once the one at hand has been handed to all.
 */
export interface Registry {
  /**
   * Adds a handler for one type or for a pattern.
   *
   * @returns stop; it answers true when it was this call that stopped the handler
   * @throws Failure `InvalidPattern`, `InvalidOptions`, `Closed`
   */
  on(pattern: string, handler: EventHandler, options?: HandlerOptions<never>): () => boolean;
  /** Stops the handler that was added first of those with this pattern and function. False: there is none. */
  off(pattern: string, handler: EventHandler): boolean;
  /** Whether an event of this type would reach anyone. */
  hasHandlers(type: string): boolean;
  /**
   * Hands an event to its handlers. Those that wait for nothing have run when this returns, unless it was called inside
   * a handler. What they throw is reported, or kept by `how`.
   *
   * @throws Failure `InvalidPattern` (it is not a name), `Closed`, `TooDeep`, `QueueFull` (too many are held): nobody has got the event then
   */
  dispatch(event: string | Named, data: unknown, how?: Run | { readonly context?: unknown }): void;
  /**
   * Hands out what was held.
   *
   * @throws Failure `Misused` when it was started before
   */
  start(): void;
  counts(): RegistryCounts;
  /**
   * Takes nothing more, waits for what is waiting and running, at most `timeoutMs`, then drops the rest, counted as
   * `closed`, and aborts its signals. Closing twice is closing once.
   */
  close(timeoutMs: number): Promise<void>;
}

/** Makes a registry. */
export function createRegistry(options: RegistryOptions): Registry {
  const { after, report, context, held: startsHeld, onFirstSight } = options;
  const routes = createRoutes((type) => {
    try {
      onFirstSight?.(type);
    } catch (error) {
      tell(toFailure(error));
    }
  });
  const boxes = new Set<Mailbox>();
  let last: Route | undefined;
  let state = startsHeld ? 'held' : 'open';
  /** Events are held: one is being handed out, it has not started, or it is closed. */
  let busy = startsHeld === true;
  /** While busy: something came up that has to be seen to afterwards. */
  let odd = false;
  /** What the dispatch at hand goes through, where handlers have come or gone since. */
  let passing: Listeners | undefined;
  let held: { type: string; data: unknown; run: Run | undefined; depth: number }[] = [];
  /** How many of these are through already; the array is let go of when all are. */
  let taken = 0;
  let handedOut = 0;
  let dropped = 0;
  let closing: Promise<void> | undefined;
  let onEnded: (() => void) | undefined;

  const tell = (failure: Failure): void => {
    try {
      // A reporter that throws, or rejects, harms nobody: there is nobody to tell.
      Promise.resolve(report(failure)).catch(() => undefined);
    } catch {}
  };

  const handOver = (type: string, data: unknown, run: Run | undefined): void => {
    if (run?.over) {
      dropped += 1;
      return;
    }
    const route = routes.of(type);
    if (run?.handOut !== undefined) {
      handedOut += 1;
      run.handOut(route.list.boxes, (box) => host.hold(() => box.offer(type, data, run)));
      return;
    }
    last = route;
    passing = undefined;
    host.run = run;
    try {
      pass(route, data);
    } finally {
      host.run = undefined;
    }
    if (run !== undefined) release(run);
  };

  /** Goes back to rest, once what was held meanwhile is handed out. */
  const leave = (): void => {
    try {
      for (const each of held) {
        taken += 1;
        host.depth = each.depth;
        handOver(each.type, each.data, each.run);
      }
    } finally {
      held = [];
      taken = 0;
      host.depth = 0;
      passing = undefined;
      odd = false;
      busy = state !== 'open';
    }
  };

  // Written for speed: as few loads and stores as can be, and no store of a pointer, which costs a barrier.
  const dispatch = (event: string | Named, data: unknown, how?: Run | { readonly context?: unknown }): void => {
    if (busy || how !== undefined) return dispatchOddly(nameOf(event), data, how);
    let route = last;
    if (route === undefined || route.type !== event) last = route = routes.of(nameOf(event));
    busy = true;
    try {
      const { list } = route;
      if (list.entries.length === 1) {
        // One handler, without a loop: twice as fast, and the most usual.
        route.handed += 1;
        try {
          const [entry] = list.entries as [Entry];
          const result = entry(data);
          if (result !== undefined) list.boxes[0]?.returned(result, route.type, data);
        } catch (error) {
          list.boxes[0]?.threwAtOnce(error, route.type, data);
        }
      } else pass(route, data);
    } finally {
      // Also when the stack ends in here: held for ever, no event would come through again.
      if (odd) leave();
      else busy = false;
    }
  };

  const dispatchOddly = (type: string, data: unknown, how: Run | { readonly context?: unknown } | undefined): void => {
    const run = how === undefined || 'pending' in how ? how : createRun(type, false, how.context);
    if (busy) return keep(type, data, run);
    routes.of(type);
    busy = true;
    try {
      handOver(type, data, run);
    } finally {
      leave();
    }
  };

  const keep = (type: string, data: unknown, run: Run | undefined): void => {
    const depth = host.depth + 1;
    if (state === 'closed') throw closed();
    if (depth > depthMax) {
      throw new Failure('TooDeep', `"${type}" was caused ${depthMax} events deep; do handlers dispatch in a circle?`);
    }
    if (held.length >= heldMax) throw new Failure('QueueFull', `event queue full: ${heldMax} events are held`);
    // Looked up now, so that what is wrong with it is told to who dispatches.
    routes.of(type);
    odd = true;
    held.push({ type, data, run, depth });
  };

  const keepPassing = (): void => {
    if (!busy || passing !== undefined) return;
    passing = last?.list;
    odd = true;
  };

  const host: MailboxHost = {
    after,
    context,
    publish: options.publish ?? ((type, data) => dispatch(type, data)),
    depth: 0,
    run: undefined,
    gone: noCounts(),
    tell,
    hold(work) {
      const nested = busy;
      const { depth } = host;
      busy = true;
      try {
        work();
      } finally {
        host.depth = depth;
        if (!nested) leave();
      }
    },
    remove(box) {
      keepPassing();
      boxes.delete(box);
      routes.remove(box);
      // A dispatch that is under way has counted a plain one before calling it; now it will not call it.
      const index = box.plain ? (passing?.boxes.indexOf(box) ?? -1) : -1;
      if (passing !== undefined && index >= 0) {
        passing.entries[index] = () => {
          box.counts.passed -= 1;
          box.counts.delivered -= 1;
        };
      }
    },
    slowDown: routes.slowDown,
    ended: () => onEnded?.(),
  };

  const total = (): HandlerCounts => {
    const sum = addCounts(noCounts(), host.gone);
    for (const box of boxes) addCounts(sum, box.counts);
    return sum;
  };

  const rest = (timeoutMs: number): Promise<void> =>
    new Promise((resolve) => {
      const stop = timeoutMs < Infinity ? after(timeoutMs, resolve) : undefined;
      onEnded = () => {
        if (total().pending > 0) return;
        stop?.();
        resolve();
      };
      onEnded();
    });

  const stopAll = (): void => {
    for (const box of boxes) box.stop('closed');
  };

  return {
    on(pattern, handler, options = {}) {
      if (state === 'closed') throw closed();
      const box = createMailbox(host, pattern, handler, options);
      if (!box.stopped) {
        keepPassing();
        boxes.add(box);
        routes.add(box);
      }
      return () => box.stop();
    },
    off(pattern, handler) {
      for (const box of boxes) if (box.pattern === pattern && box.handler === handler) return box.stop();
      return false;
    },
    hasHandlers: (type) => routes.of(type).list.boxes.length > 0,
    dispatch,
    start() {
      if (state !== 'held') throw new Failure('Misused', 'it was started before; start it once');
      state = 'open';
      leave();
    },
    counts() {
      const published = routes.settle() + handedOut;
      return {
        published: published + held.length - taken + dropped,
        held: held.length - taken,
        dropped,
        total: total(),
        handlers: [...boxes].map(({ name, pattern, counts }) => ({ name, pattern, ...addCounts(noCounts(), counts) })),
      };
    },
    close(timeoutMs) {
      if (closing !== undefined) return closing;
      if (state === 'held') {
        for (const { type, run } of held) {
          dropped += 1;
          if (run !== undefined) giveUp(run, 'Closed', `"${type}" was held, and never started`);
        }
        held = [];
      }
      state = 'closed';
      busy = odd = true;
      if (timeoutMs > 0) closing = rest(timeoutMs).then(stopAll);
      else {
        stopAll();
        closing = Promise.resolve();
      }
      return closing;
    },
  };
}

/** One event to all that hear it: nothing is asked and nothing is made, unless a handler makes it. */
function pass(route: Route, data: unknown): void {
  const { list, type } = route;
  const { entries } = list;
  const { length } = entries;
  route.handed += 1;
  let index = 0;
  do {
    try {
      // Two to a turn: the turns of a loop are what an emitter's time goes into.
      while (index < length - 1) {
        const one = entries[index++] as Entry;
        const first = one(data);
        if (first !== undefined) list.boxes[index - 1]?.returned(first, type, data);
        const other = entries[index++] as Entry;
        const second = other(data);
        if (second !== undefined) list.boxes[index - 1]?.returned(second, type, data);
      }
      if (index < length) {
        const last = entries[index++] as Entry;
        const result = last(data);
        if (result !== undefined) list.boxes[index - 1]?.returned(result, type, data);
      }
    } catch (error) {
      list.boxes[index - 1]?.threwAtOnce(error, type, data);
    }
  } while (index < length);
}
