// One handler with its mailbox: what is offered to it is called at once, waits for its turn, or is counted as dropped.
import type { Box, Entry } from './box.ts';
import { Call, type HandlerFailure, type Outcome, type Run } from './call.ts';
import { noCounts } from './counts.ts';
import { queueFull } from './failures.ts';
import { mailboxCapacity } from './limits.ts';
import { type HandlerOptions, needCount, needFunction } from './options.ts';
import type { FailureName } from '../failure.ts';

/** What a mailbox knows of its dispatcher: in a tuple, whose places are names that cost no bytes. */
export type Hub = readonly [
  context: unknown,
  publish: (type: string, data: unknown, run?: Run) => void,
  end: (call: Call, outcome: Outcome, error?: unknown) => void,
  tell: (call: Call, error: unknown, whom?: (failure: HandlerFailure) => unknown, name?: FailureName) => unknown,
  /** Does something once the event at hand has reached everyone. */
  later: (job: () => void) => void,
  /** Lets the routes of these types be made anew. */
  settle: (matches: (type: string) => boolean) => unknown,
  /** Takes the handler out, once, and says what becomes of what still waits for it. */
  leave: (box: Box) => Outcome | undefined,
  /** What is dispatched from now on was caused by this call. */
  resume: (cause: Call) => void,
  /** Who follows the event that is being handed out. */
  current: () => Run | undefined,
];

/** In the place of a handler that must be asked first whether it is free: answers itself. */
export const ask: Entry = () => ask;

/** Makes the mailbox of a handler. @throws Failure `InvalidOptions` */
export function createMailbox(
  pattern: string,
  matches: (type: string) => boolean,
  handler: Entry,
  {
    filter,
    once,
    concurrency = 1,
    capacity = mailboxCapacity,
    signal,
    overflow,
    name,
    onStop,
  }: HandlerOptions<unknown>,
  [context, publish, end, tell, later, settle, leave, resume, current]: Hub,
): Box {
  [handler, filter ?? handler, overflow ?? handler].forEach(needFunction);
  // One that is never called is of use only where somebody else takes what waits.
  needCount(concurrency, overflow ? 0 : 1, 'concurrency');
  needCount(capacity, 0, 'capacity');

  const waiting = new Set<Call>();
  const controller = new AbortController();
  let arrivals = waiting.values();
  let running = 0;
  /** Nothing has to be asked before it is called, and so far it has never made anyone wait. */
  let plain = !filter && !once && concurrency > 0;
  /** What becomes of what comes now. */
  let stopped: Outcome | undefined;
  /** The reporter was told that it is full, and it has not been empty since. */
  let warned = false;
  // One that declares one parameter gets the payload alone: handing more over takes a tenth longer.
  const takesCall = handler.length !== 1;

  /** Takes the call that has waited longest. */
  const take = (): Call | undefined => {
    // One that has once come to the end stays there.
    const { value } = arrivals.next();
    const call = value ?? (arrivals = waiting.values()).next().value;
    if (call) waiting.delete(call);
    return call;
  };

  const follow = (result: PromiseLike<unknown>, call: Call): void => {
    running += 1;
    if (plain) {
      // From now on it must be asked first whether it is free.
      plain = false;
      settle(matches);
    }
    // Awaiting it here would take fewer bytes, and a fifth more time.
    Promise.resolve(result).then(
      () => left(call, 'delivered'),
      (error: unknown) => left(call, 'failed', error),
    );
  };

  const left = (call: Call, outcome: Outcome, error?: unknown): void => {
    running -= 1;
    end(call, outcome, error);
    if (waiting.size) later(pump);
  };

  // The way of every event that is not handed straight to the handler: what is small enough for V8 to take in as one.
  const offer = (call: Call, waited?: boolean): void => {
    try {
      if (filter && !waited && !filter(call.data, call.type)) end(call, 'filtered');
      // The filter may have stopped its own handler.
      else if (stopped) end(call, stopped);
      else if ((waited || !waiting.size) && running < concurrency) {
        if (once) {
          // It hears no other; the call at hand is still told when it is stopped.
          stopped = 'detached';
          box.matches = () => false;
          settle(matches);
        }
        const result = (takesCall ? handler(call.data, call) : handler(call.data)) as PromiseLike<unknown> | undefined;
        if (result?.then) follow(result, call);
        else end(call, 'delivered');
      } else {
        warned &&= waiting.size > 0;
        waiting.add(call);
        overflow?.(box, call);
        // Also what a policy of one's own leaves beyond the capacity. Who awaits the dispatch waits for room.
        if (waiting.size > capacity && call.open && !call.run?.failed) box.refuse(call);
      }
    } catch (error) {
      // Also the filter, or the policy.
      end(call, 'failed', error);
    }
  };

  const pump = (): void => {
    for (;;) {
      const next = running < concurrency && take();
      if (!next) return;
      resume(next);
      offer(next, true);
    }
  };

  /** Takes no more; where `quietly` is true, whoever is running goes on unaware. */
  const stop = (quietly?: unknown): boolean => {
    const why = leave(box);
    if (!why) return false;
    stopped = why;
    for (const call of waiting) end(call, why);
    signal?.removeEventListener('abort', stop);
    if (quietly !== true) controller.abort();
    onStop?.();
    return true;
  };

  const box: Box = {
    pattern,
    name: name || handler.name || 'anonymous',
    matches,
    context,
    counts: noCounts(),
    publish,
    signal: controller.signal,
    drop: end,
    stop,
    onEnd: once ? () => stopped && stop(once) : undefined,
    waiting,
    take,
    capacity,
    follow,
    refuse(call, whom) {
      // Who awaits is told each time; the reporter once, until the mailbox has been empty.
      if (whom || !warned) void tell(call, queueFull(capacity), whom, 'QueueFull');
      warned ||= !whom;
      end(call, 'overflow');
    },
    offer,
    entry(type) {
      if (!plain) return ask;
      if (!takesCall) return handler;
      const all = new Call(box, type);
      // Who follows it may give up on this one call.
      return (data) => (current() ? ask : handler)(data, all);
    },
  };
  return box;
}
