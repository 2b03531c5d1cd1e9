// One handler with its mailbox: what is offered to it is called at once, waits for its turn, or is counted as dropped.
import type { Box, Entry } from './box.ts';
import { Call, type HandlerFailure, type Outcome, type Run } from './call.ts';
import { noCounts } from './counts.ts';
import { queueFull } from './failures.ts';
import { mailboxCapacity } from './limits.ts';
import { type HandlerOptions, needCount, needFunction, needSignal } from './options.ts';
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
  /** All handlers. */
  boxes: Set<Box>,
];

/** In the place of a handler that must be asked first whether it is free: answers itself. */
export const ask: Entry = () => ask;

/** Those that wait where so far nobody had to: one for all mailboxes, so that what is looked at for each event is close at hand. */
const nobody = new Set<Call>();

// What every event goes through stands here once for all mailboxes, and what it needs stands together in the box: a hundred
// mailboxes with functions of their own do not fit into the fastest memory.

/** Waits for what the handler has returned. */
export function follow(result: PromiseLike<unknown>, call: Call): void {
  const box = call.box as Box;
  // Bound functions take half the memory of closures; awaiting it here would take fewer bytes, and a fifth more time. What is no
  // promise of the plain kind has a `then` of its own, which is asked as the language says: later, and once.
  (result.constructor === Promise ? result : Promise.resolve(result)).then(delivered.bind(call), failed.bind(call));
  // Counted last: where the stack ends before, nobody would count it back.
  box.free -= 1;
  box.onBusy?.();
}

function delivered(this: Call): void {
  left(this, 'delivered');
}

function failed(this: Call, error: unknown): void {
  left(this, 'failed', error);
}

function left(call: Call, outcome: Outcome, error?: unknown): void {
  const box = call.box as Box;
  box.free += 1;
  box.drop(call, outcome, error);
  if (box.waiting.size) box.goOn();
}

/** The way of every event that is not handed straight to the handler: handles it, lets it wait, or counts why not. Never throws. */
export function offer(call: Call, waited?: boolean): void {
  const box = call.box as Box;
  const { filter, handler, waiting } = box;
  try {
    if (filter && !waited && !filter(call.data, call.type)) box.drop(call, 'filtered');
    else if (box.free > 0 && (waited || !waiting.size) && !box.stopped) {
      const result = (box.takesCall ? handler(call.data, call) : handler(call.data)) as
        | PromiseLike<unknown>
        | undefined;
      if (result?.then) follow(result, call);
      else box.drop(call, 'delivered');
    } else box.admit(call);
  } catch (error) {
    // Also the filter, or the policy.
    box.drop(call, 'failed', error);
  }
}

/** Lets a handler hear, through a mailbox of its own; what it returns stops it. @throws Failure `InvalidOptions` */
export function addHandler(
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
  [context, publish, end, tell, later, settle, leave, resume, current, boxes]: Hub,
): () => boolean {
  [handler, filter ?? handler, overflow ?? handler].forEach(needFunction);
  // One that is never called is of use only where somebody else takes what waits.
  needCount(concurrency, overflow ? 0 : 1, 'concurrency');
  needCount(capacity, 0, 'capacity');
  needSignal(signal);

  const controller = new AbortController();
  let arrivals = nobody.values();
  /** The reporter was told that it is full, and it has not been empty since. */
  let warned = false;

  /** Takes the call that has waited longest. */
  const take = (): Call | undefined => {
    // One that has once come to the end stays there.
    const call = arrivals.next().value ?? (arrivals = box.waiting.values()).next().value;
    box.waiting.delete(call as Call);
    return call;
  };

  const pump = (): void => {
    for (;;) {
      const next = box.free > 0 && take();
      if (!next) return;
      resume(next);
      offer(next, true);
    }
  };

  /** Takes no more; where `quietly` is true, whoever is running goes on unaware. */
  const stop = (quietly?: unknown): boolean => {
    const why = leave(box);
    if (!why) return false;
    box.stopped = why;
    for (const call of box.waiting) end(call, why);
    signal?.removeEventListener('abort', stop);
    if (quietly !== true) controller.abort();
    try {
      onStop?.();
    } catch (error) {
      // Whoever stops it stops others too.
      void tell(new Call(box, pattern), error);
    }
    return true;
  };

  const box: Box = {
    handler: once
      ? (...all) => {
          // It hears no other; the call at hand is still told when it is stopped.
          box.stopped = 'detached';
          box.matches = () => false;
          settle(matches);
          return handler(...all);
        }
      : handler,
    // One that declares one parameter gets the payload alone: handing more over takes a tenth longer.
    takesCall: handler.length !== 1,
    filter,
    stopped: undefined,
    waiting: nobody,
    free: concurrency,
    drop: end,
    counts: noCounts(),
    onEnd: once ? () => box.stopped && stop(once) : undefined,
    onBusy:
      filter || once || !concurrency
        ? undefined
        : () => {
            box.onBusy = undefined;
            settle(matches);
          },
    pattern,
    name: name || handler.name || 'anonymous',
    matches,
    context,
    publish,
    signal: controller.signal,
    stop,
    take,
    capacity,
    refuse(call, whom) {
      // Who awaits is told each time; the reporter once, until the mailbox has been empty.
      if (whom || !warned) void tell(call, queueFull(capacity), whom, 'QueueFull');
      warned ||= !whom;
      end(call, 'overflow');
    },
    admit(call) {
      // Its filter may have stopped it.
      if (box.stopped) return end(call, box.stopped);
      if (box.waiting === nobody) box.waiting = new Set();
      warned &&= box.waiting.size > 0;
      box.waiting.add(call);
      overflow?.(box, call);
      // Also what a policy of one's own leaves beyond the capacity. Who awaits the dispatch waits for room.
      if (box.waiting.size > capacity && call.open && !call.run?.failed) box.refuse(call);
    },
    goOn: () => later(pump),
    entry(type) {
      if (!box.onBusy) return ask;
      if (!box.takesCall) return handler;
      const all = new Call(box, type);
      // Who follows it may give up on this one call.
      return (data) => (current() ? ask : handler)(data, all);
    },
  };
  settle(matches);
  boxes.add(box);
  signal?.addEventListener('abort', stop);
  if (signal?.aborted) stop();
  return stop;
}
