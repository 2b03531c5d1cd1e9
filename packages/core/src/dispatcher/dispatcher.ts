// dispatch → handle: one event to every handler that hears its type, in the order in which they came.
// long: a mailbox and the dispatch share variables, which cost no bytes; as two files they would hand each other thirty names.
import { assertEventName, compilePattern } from '../event/pattern.ts';
import { Failure, type FailureName } from '../failure.ts';
import { ambientReport, ambientWorld } from './ambient.ts';
import type { Box, Entry, Route } from './box.ts';
import { Call, type Outcome, type Run } from './call.ts';
import { type AnyDispatcher, type Dispatcher, type DispatcherOptions, nameOf } from './contract.ts';
import { addCounts, type HandlerCounts, noCounts } from './counts.ts';
import { closed, handlerFailed, queueFull } from './failures.ts';
import { closeMs, depthMax, heldMax, mailboxCapacity, rememberedMax } from './limits.ts';
import { need, needCount } from './options.ts';
import { waitForRoom } from './overflow.ts';

/** Nothing is going on; an event is being handed out; and something came up that has to be seen to afterwards. */
const idle = 0;
const busy = 1;
const odd = 2;

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
export function createDispatcher({
  world = ambientWorld,
  report = ambientReport,
  context,
  check,
  held: waits,
}: DispatcherOptions = {}): AnyDispatcher {
  const routes = new Map<string, Route>();
  const boxes = new Set<Box>();
  /** The counts of those that have stopped. */
  const gone = noCounts();
  /** Events that wait to be handed out. */
  const held = new Set<readonly [type: string, data: unknown, run: Run | undefined, depth: number]>();
  let state = waits ? odd : idle;
  /** The route of the last event, where it still holds. */
  let fresh: Route | undefined;
  /** What is handed out, or was the last time, and who follows it. */
  let last: Route | undefined;
  let current: Run | undefined;
  /** How many dispatches deep what happens now was caused. */
  let depth = 0;
  let handedOut = 0;
  let dropped = 0;
  let closing: Promise<void> | undefined;
  let onEnd: (() => void) | undefined;

  // Which handlers a type has. Patterns are compared when a handler comes and when a type is first seen.

  /** Brings counts up to date. Lets routes be made anew: those of a handler; or all, where there are many. */
  const settle = (forget?: (type: string) => unknown): void => {
    for (const route of routes.values()) {
      for (const { counts } of route.boxes) {
        counts.passed += route.handed;
        counts.delivered += route.handed;
      }
      handedOut += route.handed;
      route.handed = 0;
      if (forget?.(route.type)) routes.delete(route.type);
    }
    if (forget) fresh = undefined;
  };

  const routeOf = (type: string): Route => {
    let route = routes.get(type);
    if (!route) {
      assertEventName(type);
      if (routes.size >= rememberedMax) settle(() => true);
      const heard = [...boxes].filter((box) => box.matches(type));
      route = { type, boxes: heard, entries: heard.map((box) => box.entry(type)), handed: 0 };
      routes.set(type, route);
    }
    return route;
  };

  // One event to all that hear it.

  /** Nothing is asked and nothing is made, unless a handler makes it. */
  const pass = ({ boxes, entries, type }: Route, data: unknown): void => {
    const { length } = entries;
    let index = 0;
    if (!length) return;
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
    if (isThenable(result)) box.follow(result, open(box, type, data));
  };

  const handOut = (type: string, data: unknown, run?: Run): void => {
    fresh = last = routeOf(type);
    last.handed += 1;
    current = run;
    if (run?.handOut) {
      run.handOut(
        last.boxes.map((box) => open(box, type, data)),
        hold,
      );
    } else {
      pass(last, data);
      run?.handed?.();
    }
  };

  /** Goes back to rest, once what was held meanwhile is handed out. */
  const leave = (): void => {
    try {
      for (const next of held) {
        held.delete(next);
        depth = next[3];
        handOut(next[0], next[1], next[2]);
      }
    } finally {
      // Also when the stack ends in here: held for ever, no event would come through again.
      depth = 0;
      current = undefined;
      state = closing ? odd : idle;
    }
  };

  /** Does something during which dispatches are held. */
  const hold = (work: () => void): void => {
    const before = state;
    state = odd;
    try {
      work();
    } finally {
      if (!before) leave();
    }
  };

  const dispatch = (event: string | { readonly name: string }, data: unknown, run?: Run): void => {
    if (state || run || check || !fresh || fresh.type !== event) return dispatchOddly(event, data, run);
    state = busy;
    fresh.handed += 1;
    try {
      pass(fresh, data);
    } finally {
      if (state === odd) leave();
      else state = idle;
    }
  };

  const dispatchOddly = (event: string | { readonly name: string }, data: unknown, run?: Run): void => {
    const type = nameOf(event);
    if (check) data = check(type, data);
    if (closing) throw closed();
    if (depth >= depthMax) {
      throw new Failure('TooDeep', `"${type}" was caused ${depthMax} events deep; is it a circle?`);
    }
    if (held.size >= heldMax) throw queueFull(heldMax);
    // Looked up now, so that what is wrong with it is told to who dispatches.
    routeOf(type);
    if (state) {
      held.add([type, data, run, depth + 1]);
      state = odd;
    } else hold(() => handOut(type, data, run));
  };

  // One event at one handler, from its beginning to its end.

  const open = (box: Box, type: string, data: unknown): Call => {
    const call = new Call(box, type, data, current, depth);
    // It was counted with its route, as delivered; that is not so sure.
    box.counts.pending += 1;
    box.counts.delivered -= 1;
    current?.begun?.(call);
    return call;
  };

  const tell = async (call: Call, error: unknown, run = call.run, name?: FailureName): Promise<void> => {
    const failure = handlerFailed(call, error, name);
    if (run?.failed) return run.failed(failure);
    try {
      // A reporter that throws, or rejects, harms nobody: there is nobody to tell.
      await report(failure);
    } catch {}
  };

  const end = (call: Call, outcome: Outcome, error?: unknown): void => {
    if (!call.open) return;
    const { counts, waiting } = call.receiver;
    if (outcome === 'failed') void tell(call, error);
    call.open = false;
    if (waiting.size) waiting.delete(call);
    counts.pending -= 1;
    counts[outcome] += 1;
    call.run?.ended?.(call, outcome);
    onEnd?.();
  };

  const total = (): HandlerCounts => [gone, ...[...boxes].map(({ counts }) => counts)].reduce(addCounts, noCounts());

  const stopAll = (): void => {
    for (const box of boxes) box.stop();
  };

  return {
    world,
    report,
    dispatch,
    on(
      event,
      handler,
      { filter, once, concurrency = 1, capacity = mailboxCapacity, signal, overflow, name, onStop } = {},
    ) {
      const pattern = nameOf(event);
      const matches = compilePattern(pattern);
      if (closing) throw closed();
      need(typeof handler === 'function', 'a function', handler);
      need(!filter || typeof filter === 'function', 'a filter function', filter);
      // One that is never called is of use only where somebody else takes what waits.
      needCount(concurrency, overflow ? 0 : 1, 'concurrency');
      needCount(capacity, 0, 'capacity');
      if (signal?.aborted) return () => false;

      const waiting = new Set<Call>();
      let arrivals = waiting.values();
      let running = 0;
      /** Nothing has to be asked before it is called, and so far it has never made anyone wait. */
      let plain = !filter && !once && concurrency;
      let stopped: Outcome | undefined;
      let warned = false;
      let controller: AbortController | undefined;
      const control = (): AbortController => (controller ??= new AbortController());
      const invoke = handler as Entry;
      // One that declares one parameter gets the payload alone: handing more over takes a tenth longer.
      const takesCall = invoke.length !== 1;

      const free = (): boolean => running < concurrency;

      /** Takes the call that has waited longest. */
      const take = (): Call | undefined => {
        let next = arrivals.next();
        // One that has once come to the end stays there.
        if (next.done) next = (arrivals = waiting.values()).next();
        if (next.value) waiting.delete(next.value);
        return next.value;
      };

      const begin = (call: Call): void => {
        try {
          if (once) leaveRoutes();
          const result = takesCall ? invoke(call.data, call) : invoke(call.data);
          if (isThenable(result)) box.follow(result, call);
          else end(call, 'delivered');
        } catch (error) {
          end(call, 'failed', error);
        }
      };

      const left = (call: Call, outcome: Outcome, error?: unknown): void => {
        running -= 1;
        end(call, outcome, error);
        if (waiting.size) hold(pump);
      };

      const pump = (): void => {
        // Calling the handler changes all of these.
        while (free()) {
          const next = take();
          if (!next) break;
          depth = next.depth;
          begin(next);
        }
      };

      /** Takes no more. */
      const leaveRoutes = (): boolean => {
        if (stopped) return false;
        stopped = closing ? 'closed' : 'detached';
        boxes.delete(box);
        settle(matches);
        addCounts(gone, box.counts);
        box.counts = gone;
        // A dispatch that is under way must not call it any more.
        const index = last?.boxes.indexOf(box) ?? -1;
        if (last && index >= 0) last.entries[index] = box.entry(last.type);
        for (const call of waiting) end(call, stopped);
        signal?.removeEventListener('abort', stop);
        onStop?.();
        return true;
      };
      const stop = (): boolean => {
        const stops = leaveRoutes();
        if (stops) control().abort();
        return stops;
      };

      const box: Box = {
        pattern,
        name: name || handler.name || 'anonymous',
        matches,
        context,
        counts: noCounts(),
        publish: dispatch,
        stopSignal: () => control().signal,
        drop: end,
        stop,
        waiting,
        take,
        capacity,
        follow(result, call) {
          running += 1;
          if (plain) {
            // From now on it must be asked first whether it is free.
            plain = false;
            settle(matches);
          }
          (result instanceof Promise ? result : Promise.resolve(result)).then(
            () => left(call, 'delivered'),
            (error: unknown) => left(call, 'failed', error),
          );
        },
        refuse(call, run) {
          // Who awaits is told each time; the reporter once, until the mailbox has been empty.
          if (run || !warned) {
            warned ||= !run;
            void tell(call, queueFull(capacity), run, 'QueueFull');
          }
          end(call, 'overflow');
        },
        offer(call) {
          try {
            if (filter && !filter(call.data, call.type)) end(call, 'filtered');
            // The filter may have stopped its own handler.
            else if (stopped) end(call, stopped);
            else if (!waiting.size && free()) begin(call);
            else {
              warned &&= waiting.size > 0;
              waiting.add(call);
              (overflow ?? waitForRoom)(box, call);
            }
          } catch (error) {
            // What was handed in threw: the filter or the policy. `begin` never does.
            end(call, 'failed', error);
          }
        },
        entry(type) {
          const offered: Entry = (data) => box.offer(open(box, type, data));
          if (!plain || stopped) return offered;
          if (!takesCall) return invoke;
          const all = new Call(box, type);
          // Who follows it may give up on this one call.
          return (data) => (current ? offered : invoke)(data, all);
        },
      };
      settle(matches);
      boxes.add(box);
      signal?.addEventListener('abort', stop);
      return stop;
    },
    start() {
      if (!waits) throw new Failure('Misused', 'it was started before');
      waits = false;
      leave();
    },
    hasHandlers: (event) => routeOf(nameOf(event)).boxes.length > 0,
    counts() {
      settle();
      return {
        published: handedOut + held.size + dropped,
        held: held.size,
        dropped,
        total: total(),
        handlers: [...boxes].map(({ name, pattern, counts }) => ({ name, pattern, ...counts })),
      };
    },
    close({ timeoutMs = closeMs } = {}) {
      if (closing) return closing;
      if (waits) {
        for (const [, , run] of held) run?.giveUp?.(closed());
        dropped = held.size;
        held.clear();
      }
      state = odd;
      closing = new Promise<void>((resolve) => {
        const cancel = world.after(timeoutMs, resolve);
        onEnd = () => {
          if (timeoutMs > 0 && total().pending > 0) return;
          cancel();
          resolve();
        };
        onEnd();
      }).then(stopAll);
      if (!(timeoutMs > 0)) stopAll();
      return closing;
    },
  };
}

/** Tells whether what a handler returned has to be waited for. */
function isThenable(result: unknown): result is PromiseLike<unknown> {
  return !!(result as PromiseLike<unknown> | undefined)?.then;
}
