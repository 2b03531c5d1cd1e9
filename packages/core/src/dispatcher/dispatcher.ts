// dispatch → handle: one event to every handler that hears its type, in the order in which they came.
import { compilePattern } from '../event/pattern.ts';
import { Failure, type FailureName } from '../failure.ts';
import { ambientReport, ambientWorld } from './ambient.ts';
import type { Box, Entry, Route } from './box.ts';
import { Call, type HandlerFailure, type Outcome, type Run } from './call.ts';
import { type AnyDispatcher, type Dispatcher, type DispatcherOptions, nameOf } from './contract.ts';
import { closed, handlerFailed, queueFull, quietly } from './failures.ts';
import { depthMax, heldMax } from './limits.ts';
import { addHandler, ask, follow as followCall, type Hub, offer } from './mailbox.ts';
import { closingMs, needFunction } from './options.ts';
import { createRoutes } from './routes.ts';

/**
 * Makes a dispatcher. With `check`, payloads are checked by their definitions, and handlers get what the validator made of
 * them; with a type only, they are believed.
 *
 * Awaiting, streams, time bounds and overflow policies are parts of their own: see `withWaiting`, `withStreams`,
 * `withTimeouts`, `dropOldest`.
 *
 * @example
 * ```ts
 * const dispatcher = createDispatcher<{ 'order.placed': { total: number } }>();
 * const stop = dispatcher.on('order.*', (order) => console.log(order.total));
 * dispatcher.dispatch('order.placed', { total: 12 });
 * stop();
 * ```
 */
export function createDispatcher<Events = Record<string, unknown>, Context = unknown>(
  options?: DispatcherOptions<Context, Events>,
): Dispatcher<Events, Context>;
export function createDispatcher(options?: DispatcherOptions): AnyDispatcher {
  // Nothing is going on; one event is being handed out, and nothing waits; and anything else. Within the function, bundlers put
  // the numbers themselves where these are read.
  const idle = 0;
  const handing = 1;
  const odd = 2;

  // Null is nothing said, here and wherever options are taken.
  let { world = ambientWorld, report = ambientReport, context, check, held } = options ?? {};
  needFunction(report);
  /** The route of the last event, where it still holds. */
  let fresh: Route | undefined;
  const [boxes, total, remove, routeOf, settle] = createRoutes(() => (fresh = undefined));
  /** What waits until the event at hand has reached everyone: events, and mailboxes that go on. */
  const jobs = new Set<() => void>();
  let busy = held ? odd : idle;
  /** What is handed out, or was the last time, and who follows it. */
  let last: Route | undefined;
  let current: Run | undefined;
  /** How many dispatches deep what happens now was caused. */
  let depth = 0;
  let dropped = 0;
  let closing: Promise<void> | undefined;
  let onEnd: (() => void) | undefined;

  // One event to all that hear it.

  /** Where all have to be asked first. Apart from `pass`, so that V8 takes in what it calls. */
  const offerAll = (boxes: readonly Box[], type: string, data: unknown): void => {
    for (const box of boxes) {
      const call = open(box, type, data);
      try {
        offer(call);
      } catch (error) {
        // The stack has ended in there: what is left of it is done on a new one.
        void Promise.resolve().then(() => (call.open ? end(call, 'failed', error) : tell(call, error)));
      }
    }
  };
  /** Nothing is asked and nothing is made, unless a handler makes it. */
  const pass = ({ boxes, entries, type }: Route, data: unknown): void => {
    const { length } = entries;
    let index = 0;
    if (!length) return offerAll(boxes, type, data);
    try {
      const entry = entries[index++] as Entry;
      const result = entry(data);
      if (result !== undefined) follow(boxes[0] as Box, type, data, result);
    } catch (error) {
      end(open(boxes[0] as Box, type, data), 'failed', error);
    }
    if (length === 1) return;
    do {
      try {
        const entry = entries[index++] as Entry;
        const result = entry(data);
        if (result !== undefined) follow(boxes[index - 1] as Box, type, data, result);
        while (index < length) {
          const entry = entries[index++] as Entry;
          const result = entry(data);
          if (result !== undefined) follow(boxes[index - 1] as Box, type, data, result);
          if (index < length) {
            const entry = entries[index++] as Entry;
            const result = entry(data);
            if (result !== undefined) follow(boxes[index - 1] as Box, type, data, result);
          }
        }
      } catch (error) {
        end(open(boxes[index - 1] as Box, type, data), 'failed', error);
      }
    } while (index < length);
  };
  const follow = (box: Box, type: string, data: unknown, result: unknown): void => {
    if (result === ask) offer(open(box, type, data));
    else if ((result as PromiseLike<unknown> | undefined)?.then) {
      const call = open(box, type, data);
      try {
        followCall(result as PromiseLike<unknown>, call);
      } catch (error) {
        // As above; or what looks like a promise is none. Thrown on, it would be taken for what the handler threw, and counted anew.
        void Promise.resolve().then(() => (call.open ? end(call, 'failed', error) : tell(call, error)));
      }
    }
  };

  /** Does a job, then what has come to wait meanwhile, and comes to rest. */
  const work = (job?: () => void): void => {
    busy = odd;
    try {
      job?.();
      for (const next of jobs) {
        jobs.delete(next);
        next();
      }
    } finally {
      // Also when the stack ends in here: busy for ever, no event would come through again. Set before anything is
      // called, since at the end of the stack nothing can be.
      depth = 0;
      current = undefined;
      busy = idle;
      goOn();
    }
  };

  /**
   * What still waits, because the stack has ended, is seen to on a new one; where not even that fits, by the next event.
   * Where nothing does, whoever waits for the end looks again.
   */
  const goOn = (): void => {
    if (jobs.size) void Promise.resolve().then(() => work());
    else onEnd?.();
  };

  const later = (job: () => void): void => {
    if (busy) {
      jobs.add(job);
      busy = odd;
    } else work(job);
  };

  const dispatch = (event: string | { readonly name: string }, data: unknown, run?: Run): void => {
    if (busy || run || fresh?.type !== event) return dispatchOddly(event, data, run);
    // First, so that who names no event, before any was dispatched, leaves nobody busy.
    fresh.handed += 1;
    busy = handing;
    try {
      pass(fresh, data);
      if (busy === odd) work();
      else busy = idle;
    } catch (error) {
      // The stack has ended in there. A `finally` would cost a thirtieth.
      fresh = undefined;
      busy = idle;
      goOn();
      throw error;
    }
  };

  const dispatchOddly = (event: string | { readonly name: string }, data: unknown, run?: Run): void => {
    const type = nameOf(event);
    const deeper = busy && depth + 1;
    if (check) data = check(type, data);
    if (closing) throw closed();
    if (deeper > depthMax) {
      throw new Failure('TooDeep', `"${type}" was caused ${depthMax} events deep; is it a circle?`);
    }
    if (jobs.size >= heldMax) throw queueFull(heldMax);
    // Looked up now, so that what is wrong with it is told to who dispatches.
    routeOf(type);
    later(() => {
      if (held) {
        // Closed before the start, or cancelled.
        dropped += 1;
        return run?.giveUp?.();
      }
      const route = (last = routeOf(type));
      // What has to be checked, or refused, does not go straight to it.
      if (!closing && !check) fresh = route;
      route.handed += 1;
      depth = deeper;
      current = run;
      if (run?.handOut) {
        run.handOut(
          route.boxes.map((box) => open(box, type, data)),
          later,
        );
      } else {
        pass(route, data);
        run?.handed?.();
      }
    });
  };

  // One event at one handler, from its beginning to its end.

  const open = (box: Box, type: string, data: unknown): Call => {
    const call = new Call(box, type, data, current, depth);
    current?.begun?.(call);
    // It was counted with its route, as delivered; that is not so sure.
    box.counts.pending += 1;
    box.counts.delivered -= 1;
    return call;
  };

  // Where the stack ends in here, that is thrown: nobody who waits may hear that all went well.
  const tell = (
    call: Call,
    error: unknown,
    whom?: (failure: HandlerFailure) => unknown,
    name?: FailureName,
  ): unknown => {
    const failure = handlerFailed(call, error, name);
    return whom ? whom(failure) : quietly(report, failure);
  };

  const end = (call: Call, outcome: Outcome, error?: unknown): void => {
    if (!call.open) return;
    const box = call.box as Box;
    call.open = false;
    box.counts.pending -= 1;
    box.counts[outcome] += 1;
    if (box.waiting.size) box.waiting.delete(call);
    box.onEnd?.();
    if (outcome === 'failed') tell(call, error, call.run?.failed);
    call.run?.ended?.(call, outcome);
    onEnd?.();
  };

  /** Takes a handler out; a dispatch that is under way must not call it any more. */
  const leave = (box: Box): Outcome | undefined => {
    if (!boxes.delete(box)) return undefined;
    remove(box);
    if (last?.boxes.includes(box)) last.entries[last.boxes.indexOf(box)] = ask;
    return closing ? 'closed' : 'detached';
  };

  /** From now on nothing is handed out any more. */
  const stopAll = (): void => {
    held = true;
    for (const { stop } of boxes) stop();
  };

  const hub: Hub = [
    context,
    dispatch,
    end,
    tell,
    later,
    settle,
    leave,
    (cause) => (depth = cause.depth),
    () => current,
    boxes,
  ];

  return {
    world,
    report,
    dispatch,
    on(event, handler, options) {
      const pattern = nameOf(event);
      const matches = compilePattern(pattern);
      check?.hears?.(pattern);
      if (closing) throw closed();
      return addHandler(pattern, matches, handler as Entry, options ?? {}, hub);
    },
    start() {
      if (!held) return;
      held = false;
      // Also where the stack has no room for more: the next event takes up what waits.
      busy = idle;
      work();
    },
    hasHandlers: (event) => routeOf(nameOf(event)).boxes.length > 0,
    counts() {
      return {
        published: settle() + jobs.size + dropped,
        held: jobs.size,
        dropped,
        total: total(),
        handlers: [...boxes].map(({ name, pattern, counts }) => ({ name, pattern, ...counts })),
      };
    },
    async close(options) {
      if (closing) return closing;
      const timeoutMs = closingMs(options);
      fresh = undefined;
      closing = new Promise<void>((resolve) => {
        const cancel = world.after(timeoutMs, resolve);
        onEnd = () => {
          if (timeoutMs > 0 && (busy || total().pending)) return;
          cancel();
          resolve();
        };
        // What waits has been accepted: by whoever is busy it is handed out first.
        if (busy) busy = odd;
        else onEnd();
      }).then(stopAll);
      if (held) work();
      if (!(timeoutMs > 0)) stopAll();
      return closing;
    },
  };
}
