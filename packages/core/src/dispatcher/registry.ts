// dispatch: one event to every handler that hears its type, in the order in which they came. The typed dispatcher, the
// broker, streams and `runtime.on` are built on this: `createRegistry({ after, report })`, then `registry.on(pattern,
// handler, options)` and `registry.dispatch(type, data)`, where `data` is a payload or an event made elsewhere.
import { Failure } from '../failure.ts';
import { addCounts, type Counts, noCounts } from './counts.ts';
import { closed } from './failures.ts';
import { createMailbox, type EventHandler, type Mailbox, type MailboxHost } from './mailbox.ts';
import { type HandlerOptions, need } from './options.ts';
import { createRoutes, type Listeners, type Route } from './routes.ts';
import { giveUp, release, type Run } from './run.ts';

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

/** What a registry counts, per process. */
export interface RegistryCounts {
  /** Events that were accepted. */
  readonly published: number;
  /** Of those, events that wait to be handed out, and events that were dropped before. */
  readonly held: number;
  readonly dropped: number;
  /** All handlers together, also those that have stopped. */
  readonly total: Readonly<Counts>;
  /** Those that hear now. */
  readonly handlers: readonly (Readonly<Counts> & { readonly name: string; readonly pattern: string })[];
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
   * a handler. What they throw is reported, or kept by `run`.
   *
   * @throws Failure `Closed`, `TooDeep`, `QueueFull` (too many are held): nobody has got the event then
   */
  dispatch(type: string, data: unknown, run?: Run): void;
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
  const routes = createRoutes(onFirstSight);
  const boxes = new Set<Mailbox>();
  let last: Route | undefined;
  let state = startsHeld ? 'held' : 'open';
  /** Who is getting an event right now; `nobody` where events are held for another reason: not started, or closed. */
  const nobody: Listeners = { entries: [], boxes: [] };
  let handing = startsHeld ? nobody : undefined;
  let held: { type: string; data: unknown; run: Run | undefined; depth: number }[] = [];
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

  /** The usual case: nothing is asked and nothing is made. */
  const hand = (route: Route, type: string, data: unknown): void => {
    const { list } = route;
    const { entries } = list;
    const { length } = entries;
    let index = 0;
    handing = list;
    route.handed += 1;
    do {
      try {
        while (index < length) {
          const entry = entries[index++];
          const result = entry?.(data);
          if (result !== undefined) list.boxes[index - 1]?.returned(result, type, data);
        }
      } catch (error) {
        const box = list.boxes[index - 1];
        if (box !== undefined) {
          box.counts.delivered -= 1;
          box.threw(error, type, data);
        }
      }
    } while (index < length);
  };

  const handOver = (type: string, data: unknown, run: Run | undefined): void => {
    last = routes.of(type);
    if (run === undefined) return hand(last, type, data);
    handedOut += 1;
    const offer = (box: Mailbox): void => host.hold(() => box.offer(type, data, run));
    const { boxes } = last.list;
    if (run.over) dropped += 1;
    else if (run.handOut !== undefined) return run.handOut(boxes, offer);
    else for (const box of boxes) box.offer(type, data, run);
    release(run);
  };

  const leave = (): void => {
    try {
      for (const each of held) {
        host.depth = each.depth;
        handOver(each.type, each.data, each.run);
      }
    } finally {
      held = [];
      host.depth = 0;
      handing = state === 'open' ? undefined : nobody;
    }
  };

  const dispatch = (type: string, data: unknown, run?: Run): void => {
    if (handing !== undefined) return keep(type, data, run);
    handing = nobody;
    try {
      if (run === undefined && last?.type === type) hand(last, type, data);
      else handOver(type, data, run);
    } finally {
      if (held.length > 0) leave();
      else handing = state === 'open' ? undefined : nobody;
    }
  };

  const keep = (type: string, data: unknown, run: Run | undefined): void => {
    const depth = host.depth + 1;
    if (state === 'closed') throw closed();
    if (depth > depthMax) {
      throw new Failure('TooDeep', `"${type}" was caused ${depthMax} events deep; do handlers dispatch in a circle?`);
    }
    if (held.length >= heldMax) throw new Failure('QueueFull', `event queue full: ${heldMax} events are held`);
    held.push({ type, data, run, depth });
  };

  const host: MailboxHost = {
    after,
    context,
    publish: options.publish ?? ((type, data) => dispatch(type, data)),
    depth: 0,
    gone: noCounts(),
    tell,
    hold(work) {
      const nested = handing;
      const { depth } = host;
      handing ??= nobody;
      try {
        work();
      } finally {
        host.depth = depth;
        if (nested === undefined) leave();
      }
    },
    remove(box) {
      boxes.delete(box);
      routes.remove(box);
      last = undefined;
      // A dispatch that is under way has counted a plain one before calling it; now it will not call it.
      const index = box.plain ? (handing?.boxes.indexOf(box) ?? -1) : -1;
      if (index >= 0 && handing !== undefined) {
        handing.entries[index] = () => {
          box.counts.passed -= 1;
          box.counts.delivered -= 1;
        };
      }
    },
    slowDown: routes.slowDown,
    ended: () => onEnded?.(),
  };

  const total = (): Counts => {
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
        boxes.add(box);
        routes.add(box);
        last = undefined;
      }
      return () => box.stop();
    },
    off(pattern, handler) {
      for (const box of boxes) if (box.pattern === pattern && box.handler === handler) return box.stop();
      return false;
    },
    hasHandlers: (type) => (last = routes.of(type)).list.boxes.length > 0,
    dispatch,
    start() {
      if (state !== 'held') throw new Failure('Misused', 'it was started before; start it once');
      state = 'open';
      leave();
    },
    counts() {
      const published = routes.settle() + handedOut;
      return {
        published: published + held.length + dropped,
        held: held.length,
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
      handing ??= nobody;
      if (timeoutMs > 0) closing = rest(timeoutMs).then(stopAll);
      else {
        stopAll();
        closing = Promise.resolve();
      }
      return closing;
    },
  };
}
