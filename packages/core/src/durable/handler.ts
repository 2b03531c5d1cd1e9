// One durable handler in one tab: waits for its lease, then claims, hands out, and commits what became of it, step by step.
import { Failure, failureToJson, isFinal, toFailure } from '../failure.ts';
import type { Position } from '../ports/store.ts';
import type { HandlerRecord } from '../ports/tasks.ts';
import type { Stop } from '../ports/world.ts';
import { createBackoff } from '../timing/backoff.ts';
import { createBell, orAborted, pause } from '../timing/wait.ts';
import { changeAll } from './pages.ts';
import { beginLease, type Lease, type LeaseParts } from './owned.ts';
import { acquire, beatMs } from './lease.ts';
import { recover } from './recover.ts';
import type { HandlerSpec, TaskOutcome } from './task.ts';
import { wantsOf, type EventEntry } from './wants.ts';

/** A handler at work. */
export interface DurableHandler {
  readonly spec: HandlerSpec;
  /** The record as last seen; undefined before the first look. */
  readonly record: HandlerRecord | undefined;
  /** Whether this tab runs it. */
  readonly isOwned: boolean;
  /** The log grew, or the pause ended. */
  wake(): void;
  /** Rows changed, or a lease was let go. */
  look(): void;
  /** Takes outcomes; those of another lease are refused. */
  settle(outcomes: readonly TaskOutcome[]): void;
  /** Gives what runs so long to end, in milliseconds, returns the rest, and lets go of the lease. Stopping twice is stopping once. */
  stop(graceMs: number): Promise<void>;
}

/** What the handlers of one tab share. */
export interface HandlerParts extends LeaseParts {
  /** The channels that this tab reads. */
  readonly channels: ReadonlySet<string>;
  /** As `Tabs.gone`. */
  readonly gone: (tab: string, signal: AbortSignal) => Promise<boolean>;
  /** The device's log is lost to this tab. */
  readonly lost: (failure: Failure) => void;
  /** What is known of the handler has changed. */
  readonly changed: () => void;
  /** Other tabs are to look: the lease was let go, and another may have it at once; or there are other dead letters. */
  readonly announce: (handler: string) => void;
  /** The tab is gone: nothing is committed any more. */
  readonly signal: AbortSignal;
}

/** How long behind its grace a thread that answers nothing holds up a stop, in milliseconds. */
export const finishMs = 1000;

/** How long a handler goes on without giving others a turn, in milliseconds: less than a frame. */
const turnMs = 10;

/** Starts a handler; one that this device never had begins behind `start`. */
export function startHandler(spec: HandlerSpec, start: Position, parts: HandlerParts): DurableHandler {
  const { store, world, tab, host, report, signal } = parts;
  const wants = wantsOf(spec, parts.channels);
  const bell = createBell();
  const stopping = new AbortController();
  const either = AbortSignal.any([signal, stopping.signal]);
  const late = new AbortController();
  const over = AbortSignal.any([signal, late.signal]);
  let record: HandlerRecord | undefined;
  let lease: Lease | undefined;
  let graceMs = 0;
  /** The term of this tab's last lease. */
  let lastTerm = -1;
  let isLetGo = false;
  let stopBeat: Stop | undefined;
  let isBeatDue = false;
  let turned = world.now();
  const ended = run();

  return {
    spec,
    get record() {
      return record;
    },
    get isOwned() {
      return lease !== undefined;
    },
    wake() {
      lease?.grew();
      bell.ring();
    },
    look() {
      isLetGo = true;
      lease?.changed();
      bell.ring();
    },
    settle(outcomes) {
      lease?.settle(outcomes);
      bell.ring();
    },
    stop(itsGraceMs) {
      if (stopping.signal.aborted) void hurry(itsGraceMs);
      else graceMs = itsGraceMs;
      stopping.abort();
      return ended;
    },
  };

  function wasLetGo(): boolean {
    const was = isLetGo;
    isLetGo = false;
    return was;
  }

  async function run(): Promise<void> {
    const backoff = createBackoff(world);
    while (!either.aborted) {
      try {
        const owned = await acquire({
          spec,
          start,
          tab,
          store,
          world,
          wants,
          bell,
          gone: parts.gone,
          wasLetGo,
          signal: either,
          seen,
        });
        if (owned === undefined) return;
        const clean = await recover({ spec, store, world, wants, keys }, owned);
        if (clean === undefined) continue;
        seen(clean.record);
        // Unless nobody else had it since: perhaps this release understands what the one of another tab did not.
        const { term, rows } = clean.record;
        if (term > lastTerm + 1 && rows.deferred > 0) {
          await changeAll(store, { handler: spec.name, states: ['deferred'] }, 'retry', world);
        }
        lastTerm = term;
        lease = beginLease(
          { spec, wants, keys, ...clean, seen, wake: () => bell.ring(), signal: either, over },
          { ...parts, isPaused: () => either.aborted || parts.isPaused() },
        );
        backoff.reset();
        await work(lease);
      } catch (error) {
        if (signal.aborted) return;
        const failure = toFailure(error);
        if (isFinal(failure)) return parts.lost(failure);
        report(failure);
        // What runs is not known any more; the next lease finds it abandoned.
        await host.drop(spec.name, failureToJson(failure, { stack: false }));
        await pause(world, backoff.next(), either);
      } finally {
        endBeat();
        lease = undefined;
        parts.changed();
      }
    }
  }

  /** Claims and commits until the lease is lost or the handler is stopped. */
  async function work(its: Lease): Promise<void> {
    for (;;) {
      const went = either.aborted ? 'idle' : await its.step();
      if (went === 'fenced') return fenced();
      if (either.aborted) return letGo(its);
      if (went === 'idle') await rest(its);
      else await turn();
    }
  }

  /** In one thread, where the disk answers at once, a long backlog would let nobody else have a turn. */
  async function turn(): Promise<void> {
    const passed = world.now() - turned;
    if (passed >= 0 && passed < turnMs) return;
    await pause(world, 0, either);
    turned = world.now();
  }

  /** Waits for something to do. No timer runs while nothing is due and nothing is in flight. */
  async function rest(its: Lease): Promise<void> {
    const dueMs = its.dueMs();
    let isDue = false;
    const stopTimer =
      dueMs === undefined
        ? undefined
        : world.after(dueMs, () => {
            isDue = true;
            bell.ring();
          });
    startBeat(its);
    await bell.wait(either);
    stopTimer?.();
    // The wait is over, whatever the wall clock says now; the store is asked what is due.
    if (isDue) its.changed();
    if (!isBeatDue) return;
    // A thread that hangs would keep a lease that it does nothing with: without its answer there is no beat.
    await orAborted(Promise.resolve(host.alive()), either);
    isBeatDue = false;
    its.beat();
  }

  /** While something is in flight. Whatever else rings does not put the beat off: a log that grows all the time would, for ever. */
  function startBeat({ inFlight }: Lease): void {
    if (inFlight === 0) return endBeat();
    stopBeat ??= world.after(beatMs, () => {
      stopBeat = undefined;
      isBeatDue = true;
      bell.ring();
    });
  }

  function endBeat(): void {
    stopBeat?.();
    stopBeat = undefined;
    isBeatDue = false;
  }

  /** Ends what can be ended, and lets another tab have the handler. */
  async function letGo(its: Lease): Promise<void> {
    if (signal.aborted) return;
    const stopTimer = world.after(graceMs + finishMs, () => late.abort());
    try {
      await orAborted(Promise.resolve(host.finish(spec.name, graceMs)), over);
      while (its.inFlight > 0 && !over.aborted) {
        startBeat(its);
        await bell.wait(over);
        // Without a beat another tab would run what still runs here.
        if (isBeatDue) its.beat();
        isBeatDue = false;
        if (!over.aborted && (await its.step()) === 'fenced') return await fenced();
      }
    } finally {
      stopTimer();
    }
    if (signal.aborted) return;
    // What has not ended even now stays claimed: the next owner finds it abandoned.
    await its.release();
    parts.announce(spec.name);
  }

  async function fenced(): Promise<void> {
    const failure = new Failure(
      'Fenced',
      `another tab has taken over "${spec.name}"; what this one does with it counts no more`,
    );
    await host.drop(spec.name, failureToJson(failure, { stack: false }));
  }

  /** Told to stop once more: what still runs has no longer than the shorter of the two graces. */
  async function hurry(itsGraceMs: number): Promise<void> {
    if (itsGraceMs >= graceMs || lease === undefined) return;
    graceMs = itsGraceMs;
    try {
      await host.finish(spec.name, graceMs);
    } catch (error) {
      report(toFailure(error));
    }
  }

  async function keys(entries: readonly EventEntry[]): Promise<readonly (string | null)[]> {
    if (!spec.keyed || entries.length === 0) return entries.map(() => null);
    return host.keys(
      spec.name,
      entries.map(({ event }) => event),
    );
  }

  function seen(its: HandlerRecord): void {
    // A page shows them in every tab, and those that do not run the handler look at its record seldom.
    if (lease !== undefined && its.rows.dead !== record?.rows.dead) parts.announce(spec.name);
    record = its;
    parts.changed();
  }
}
