// A lease at work: what is in flight under it, and the steps that commit what became of it and claim more.
import { isFinal, toFailure, type Failure } from '../failure.ts';
import type { Advanced, HandlerStore, HandlerRecord, LogEntry, Position, TaskRow, World } from '../ports/index.ts';
import { handlerPinMs } from '../ports/store.ts';
import { createBackoff } from '../timing/backoff.ts';
import { pause } from '../timing/wait.ts';
import { createClaimSize } from './claim-size.ts';
import { dueInMs } from './due.ts';
import { createFresh } from './fresh.ts';
import { lagMax, overtakenMax } from './limits.ts';
import { pagesOf } from './pages.ts';
import { endedBy, isAbandoned, rowOf, taskOf, type Ended } from './steps.ts';
import type { HandlerSpec, Task, TaskHost, TaskOutcome } from './task.ts';
import type { EventEntry } from './wants.ts';
import { createWindow } from './window.ts';

/** A handler that this tab runs. */
export interface Lease {
  /** How many tasks are claimed and have not ended. */
  readonly inFlight: number;
  /** How long until a row is due, in milliseconds; undefined when none waits, or nothing is to be claimed. */
  dueMs(): number | undefined;
  /** The log may hold more. */
  grew(): void;
  /** Somebody else may have changed rows. */
  changed(): void;
  settle(outcomes: readonly TaskOutcome[]): void;
  /** The next step is taken even if it has nothing else to say: the lease lives. */
  beat(): void;
  /** Commits what has ended and claims what there is. `idle`: there was neither. */
  step(): Promise<'busy' | 'idle' | 'fenced'>;
  /** Commits what has ended, and lets go. */
  release(): Promise<void>;
}

/** How long to wait with tasks that the application's thread did not take, in milliseconds. */
const refusedMs = 1000;

/** How often a release is tried that the store refuses; beyond, the others wait until the beat has stood still. */
const releaseTries = 3;

interface Unheard {
  readonly rows: readonly TaskRow[];
  readonly passed: number;
  readonly held: readonly string[];
}

type Ends = (readonly [task: Task, outcome: TaskOutcome])[];

/** What leases of one tab share. */
export interface LeaseParts {
  readonly store: HandlerStore;
  readonly world: World;
  readonly tab: string;
  readonly host: TaskHost;
  /** `cooperative`: claims only when nothing is in flight. */
  readonly scheduler: 'cooperative' | 'concurrent';
  /** The most tasks of one handler that are claimed at once. */
  readonly batchMax: number;
  readonly isPaused: () => boolean;
  readonly report: (failure: Failure) => void;
}

/** Begins to work under a lease that has nothing in flight. */
export function beginLease(
  its: {
    readonly spec: HandlerSpec;
    readonly record: HandlerRecord;
    /** As `Recovered`. */
    readonly suspects: number;
    readonly wants: (entry: LogEntry) => entry is EventEntry;
    readonly keys: (entries: readonly EventEntry[]) => Promise<readonly (string | null)[]>;
    readonly seen: (record: HandlerRecord) => void;
    /** There is something to do that nobody else will tell of. */
    readonly wake: () => void;
    /** The handler is being stopped, or the tab has gone. */
    readonly signal: AbortSignal;
    /** The tab has gone, or the time to stop is over: nothing is waited for. */
    readonly over: AbortSignal;
  },
  parts: LeaseParts,
): Lease {
  const { spec, signal, over } = its;
  const { store, world, host } = parts;
  const { term } = its.record;
  const window = createWindow(its.record);
  const fresh = createFresh({ ...parts, ...its, term, window });
  const size = createClaimSize(spec, parts.batchMax, world);
  const inFlight = new Map<Position, Task>();
  let { record, suspects } = its;
  /** How many suspects are in flight. */
  let suspected = 0;
  let ends: Ends = [];
  /** Of steps that were stored and whose answer was lost: rows to put back, events counted as passed, keys held. */
  let unheard: Unheard = { rows: [], passed: 0, held: [] };
  let isBeatDue = false;
  // Rows may have come, or be due after a clock that jumped back, of which the record as last seen says nothing.
  let isStale = true;

  return {
    get inFlight() {
      return inFlight.size;
    },
    dueMs() {
      // Where there is no room for it, whatever makes room looks what is due.
      const now = world.now();
      return mayClaim(ends) && size.room(inFlight.size, isWary(now)) > 0 ? dueInMs(record, now) : undefined;
    },
    grew: fresh.grew,
    changed() {
      isStale = true;
    },
    settle,
    beat() {
      isBeatDue = true;
    },
    step: () => step(false),
    async release() {
      for (let tries = 0; tries < releaseTries && record.owner !== null; tries += 1) {
        if ((await step(true)) === 'fenced') return;
      }
    },
  };

  function settle(outcomes: readonly TaskOutcome[]): void {
    for (const outcome of outcomes) {
      const task = outcome.term === term ? inFlight.get(outcome.position) : undefined;
      // Another lease's, or answered before: refused.
      if (task === undefined) continue;
      inFlight.delete(outcome.position);
      ends.push([task, outcome]);
      size.ended(1);
      if (!isAbandoned(task)) continue;
      suspected -= 1;
      if (outcome.kind === 'returned') suspects += 1;
    }
  }

  async function step(release: boolean): Promise<'busy' | 'idle' | 'fenced'> {
    const at = world.now();
    const ended = ends.slice();
    // The clock has jumped back since: of rows that were put before, the record does not tell when they are due.
    isStale ||= record.definedAt > at;
    const wasStale = isStale;
    const few = isWary(at);
    const most = release || !mayClaim(ended) ? 0 : size.room(inFlight.size, few);
    const claim = wasStale || dueInMs(record, at) === 0 ? most : 0;
    // Before the step: who changes rows while it is under way may change them behind it.
    if (most > 0) isStale = false;
    // Of a key that ends with this step a row may become due, of which the record does not tell.
    const rows = few ? claim : Math.min(claim, record.rows.waiting);
    const { tasks, upTo } = await fresh.take(most - rows);
    if (window.ended.length > overtakenMax) keepOvertaken(at);
    // What was claimed, and found cancelled or blocked, is done with here: without a word of that others would wait for a beat.
    const isBehind = record.claimed > record.cursor && window.cursor >= record.claimed;
    const isNews = ended.length + tasks.length + unheard.rows.length + claim > 0 || unheard.passed !== 0 || isBehind;
    // A handler that is only passed by, or paused, is still defined, and holds what it has not handled.
    isBeatDue ||= at - record.definedAt > handlerPinMs / 7;
    if (!isNews && !isBeatDue && !release && upTo - record.claimed < lagMax) {
      window.claim(upTo, []);
      return fresh.hasMore && most > 0 ? 'busy' : 'idle';
    }

    const highest = Math.max(0, ...inFlight.keys());
    // What has ended since this step began is still to be told of.
    const unsaid = ends.slice(ended.length).map(([task]) => task);
    const busy = new Set([...inFlight.values(), ...unsaid].map(({ key }) => key));
    const change = endedBy(ended, at, record.rows.deferred, highest, busy);
    const back = new Set(change.givenBack);
    for (const [{ position, again }] of ended) if (!again && !back.has(position)) window.end(position);
    window.giveBack(change.givenBack);
    if (change.givenBack.length > 0) fresh.grew();
    const positions = tasks.map(({ position }) => position);
    if (change.givenBack.length === 0) window.claim(upTo, positions);
    const advanced = await commit(change, tasks, { at, claim, release, ended });
    if (advanced === 'fenced') return 'fenced';
    if (advanced === undefined) {
      window.giveBack(positions);
      fresh.grew();
      isStale = true;
      return 'busy';
    }
    isBeatDue = false;
    // As many as there was room for: of rows that a clock which jumped back made due, the record does not tell the rest.
    isStale ||= claim > 0 && wasStale && advanced.claimed.length === claim;
    const held = [...unheard.held, ...change.held];
    unheard = { rows: [], passed: 0, held: [] };
    ends = ends.slice(ended.length);
    handOut(advanced, tasks, held);
    return 'busy';
  }

  /** One that takes long, or never ends, would make the record grow with every event that overtakes it. */
  function keepOvertaken(at: number): void {
    for (const task of inFlight.values()) {
      if (task.again) continue;
      inFlight.set(task.position, { ...task, again: true });
      window.end(task.position);
      unheard = { ...unheard, rows: [...unheard.rows, rowOf(task, at, { state: 'running' })] };
    }
  }

  /**
   * Whether no more are claimed than run at once: beside what a tab may have died of, so that whoever dies of it now takes
   * nothing along that had not begun; and of what may be tried once only, so that it is never left in doubt whether it had.
   */
  function isWary(at: number): boolean {
    if (spec.maxErrors === 1 || suspected > 0) return true;
    return suspects > 0 && (isStale || dueInMs(record, at) === 0);
  }

  /** While tasks are being returned nothing is claimed: reading would come by them again at once. */
  function mayClaim(ended: Ends): boolean {
    if (parts.isPaused() || ended.some(([, { kind }]) => kind === 'returned')) return false;
    return parts.scheduler === 'concurrent' || inFlight.size === 0;
  }

  async function commit(
    change: Ended,
    tasks: readonly Task[],
    {
      at,
      claim,
      release,
      ended,
    }: {
      readonly at: number;
      readonly claim: number;
      readonly release: boolean;
      readonly ended: Ends;
    },
  ): Promise<Advanced | 'fenced' | undefined> {
    const keyed = tasks.filter(({ key }) => key !== null);
    const { beat } = record;
    try {
      return await store.advance({
        handler: spec.name,
        term,
        at,
        cursor: window.cursor,
        claimed: window.claimed,
        ended: window.ended,
        put: [...unheard.rows, ...change.put],
        remove: change.remove,
        unblock: change.unblock,
        queue: keyed.map((task) => rowOf(task, at, { state: 'blocked', attempts: 0 })),
        claim,
        totals: { ...change.totals, passed: change.totals.passed + tasks.length - unheard.passed },
        release,
      });
    } catch (error) {
      if (isFinal(error) || over.aborted) throw error;
      parts.report(toFailure(error));
      return (await isStored(beat)) ? heardNothing(tasks, ended, change.held) : undefined;
    }
  }

  /** Whether the step that failed was committed all the same: then the beat has moved on. Waits for the store to answer. */
  async function isStored(beat: number): Promise<boolean> {
    const backoff = createBackoff(world);
    for (;;) {
      await pause(world, backoff.next(), over);
      try {
        // Not by `lease`: that would take anew what this very step may have let go.
        const now = (await store.handlers()).find(({ name }) => name === spec.name);
        if (now?.term === term) record = now;
        // Of another term: the next step will be told that it is fenced.
        return now?.term === term && now.beat !== beat;
      } catch (error) {
        if (isFinal(error) || over.aborted) throw error;
      }
    }
  }

  /** The step stands, and nobody was told what it claimed: all of that goes back with the next step. */
  async function heardNothing(tasks: readonly Task[], ended: Ends, held: readonly string[]): Promise<undefined> {
    // Those are stored.
    ends = ends.filter((end) => !ended.includes(end));
    const all: TaskRow[] = [];
    for await (const page of pagesOf(store, { handler: spec.name })) all.push(...page);
    const strays = all
      .filter(({ state }) => state === 'running')
      .filter(({ position }) => !inFlight.has(position) && !ends.some(([task]) => task.position === position))
      .map((row): TaskRow => ({ ...row, state: 'waiting', attempts: row.attempts - 1, at: world.now(), delayMs: 0 }));
    // Fresh events that it wrote as blocked, or that were cancelled ahead, are not taken from the log again.
    const stored = new Set([...all.map(({ position }) => position), ...record.ended]);
    const unwritten = tasks.filter(({ position }) => !stored.has(position));
    for (const { position } of tasks) if (stored.has(position)) window.end(position);
    unheard = { rows: strays, passed: unwritten.length, held: [...unheard.held, ...held] };
    return undefined;
  }

  function handOut(advanced: Advanced, taken: readonly Task[], held: readonly string[]): void {
    ({ record } = advanced);
    its.seen(record);
    const queued = new Set(advanced.queued);
    const cancelled = new Set(advanced.cancelled);
    const tasks = advanced.claimed.map((row) => taskOf(row, term));
    for (const task of taken) {
      if (queued.has(task.position) || cancelled.has(task.position)) window.end(task.position);
      else tasks.push(task);
    }
    const wanted = new Set(taken.map(({ position }) => position));
    const unwanted = advanced.cancelled.filter((position) => !wanted.has(position)).length;
    // Cancelled by hand though it was never this handler's: what is counted as dropped counts as passed, too.
    if (unwanted > 0) unheard = { ...unheard, passed: -unwanted };
    for (const task of tasks) inFlight.set(task.position, task);
    const fromSuspects = tasks.filter(isAbandoned).length;
    suspected += fromSuspects;
    // Some may have been cancelled, or discarded; those of `ends` come back with the next step.
    suspects = Math.min(suspects - fromSuspects, record.rows.waiting + record.rows.blocked + ends.length);
    size.claimed(tasks.length);
    if (tasks.length + held.length > 0) void hand(tasks, held);
  }

  async function hand(tasks: readonly Task[], held: readonly string[]): Promise<void> {
    try {
      await host.run(spec.name, tasks, held);
    } catch (error) {
      if (signal.aborted) return;
      // The thread did not take them. Without an outcome the lease would hold them for ever.
      parts.report(toFailure(error));
      await pause(world, refusedMs, signal);
      settle(tasks.map(({ handler, position }) => ({ handler, term, position, kind: 'returned' })));
      its.wake();
    }
  }
}
