// The model of a handler's rows: a list, gone through as the law says, one after the other.
import type { Position } from '../../ports/store.ts';
import type { Advanced, Step, TaskChange, TaskRow, TaskState } from '../../ports/tasks.ts';
import { row } from './device.ts';

const live = ['waiting', 'blocked', 'running'];

/** What a step is made of, before it has its handler and its term. */
export interface StepParts {
  readonly put: readonly RowParts[];
  readonly remove: readonly number[];
  readonly unblock: readonly string[];
  readonly queue: readonly RowParts[];
  readonly claim: number;
  readonly ahead: number;
  readonly handled: number;
}

/** What is chosen of a row. */
export type RowParts = Pick<TaskRow, 'position' | 'state' | 'key' | 'at' | 'delayMs'>;

/** What a store should hold of one handler. */
export class PlainList {
  readonly handler: string;
  rows: TaskRow[] = [];
  claimed = 0;
  /** Positions that have ended, or have a row, above what is behind the handler for good. */
  ended: readonly number[] = [];
  handled = 0;
  readonly dropped: Record<string, number> = {};

  constructor(handler: string) {
    this.handler = handler;
  }

  sorted(): readonly TaskRow[] {
    return this.rows.toSorted((one, other) => one.position - other.position);
  }

  stepOf({ put, queue, ahead, handled, ...its }: StepParts, at: number, term: number): Step {
    const filled = (parts: RowParts): TaskRow => row(parts.position, { ...parts, handler: this.handler });
    const claimed = this.claimed + ahead;
    return {
      ...its,
      handler: this.handler,
      term,
      at,
      cursor: claimed,
      claimed,
      ended: [],
      put: put.map(filled),
      queue: queue.map(filled),
      totals: { passed: 0, handled, failed: 0, dropped: {} },
      release: false,
    };
  }

  advance(step: Step): Pick<Advanced, 'claimed' | 'queued' | 'cancelled'> {
    this.handled += step.totals.handled;
    // Of two with one position the last stays; the first may have been a cancelled one only if it was stored before.
    const isTaken = new Set(this.rows.filter(({ state }) => state === 'cancelled').map(({ position }) => position));
    for (const each of step.put) if (!isTaken.has(each.position)) this.write(each);
    this.remove((each) => step.remove.includes(each.position));
    this.unblock(step.unblock, step.at);
    const cancelled = this.sorted()
      .filter(({ state, position }) => state === 'cancelled' && position > this.claimed && position <= step.claimed)
      .map(({ position }) => position);
    this.remove(({ position }) => cancelled.includes(position));
    if (cancelled.length > 0) this.drop('cancelled', cancelled.length);
    const behind = step.queue.filter(
      ({ key, position }) =>
        key !== null &&
        !cancelled.includes(position) &&
        !this.rows.some((each) => each.position === position && each.state === 'cancelled') &&
        this.rows.some((each) => each.key === key && each.position !== position && live.includes(each.state)),
    );
    for (const each of behind) this.write({ ...each, state: 'blocked', at: step.at, delayMs: 0 });
    const isFuture = (each: TaskRow): number => (each.at > step.at ? 1 : 0);
    const due = (each: TaskRow): number => (each.at > step.at ? each.at : each.at + each.delayMs);
    const claimed = this.sorted()
      .filter((each) => each.state === 'waiting' && (isFuture(each) === 1 || due(each) <= step.at))
      .toSorted((one, other) => isFuture(one) - isFuture(other) || due(one) - due(other))
      .slice(0, step.claim)
      .map((each): TaskRow => ({ ...each, state: 'running', at: step.at, delayMs: 0, attempts: each.attempts + 1 }));
    for (const each of claimed) this.write(each);
    this.claimed = step.claimed;
    const queued = ascending(behind.map(({ position }) => position));
    this.ended = [...step.ended, ...queued, ...cancelled].filter((position) => position > step.cursor);
    return { claimed, cancelled, queued };
  }

  change(what: TaskChange, states: readonly TaskState[], at: number): number {
    const from = {
      retry: ['dead', 'deferred', 'waiting'],
      discard: ['dead', 'deferred'],
      cancel: ['waiting', 'blocked', 'deferred'],
    }[what];
    const some = this.sorted().filter(({ state }) => from.includes(state) && states.includes(state));
    for (const each of some) {
      if (what !== 'retry') continue;
      const isBehind =
        each.state !== 'waiting' &&
        each.key !== null &&
        this.rows.some((other) => other.key === each.key && live.includes(other.state));
      const attempts = each.state === 'dead' ? 0 : each.attempts;
      this.write({ ...each, state: isBehind ? 'blocked' : 'waiting', at, delayMs: 0, attempts });
    }
    if (what !== 'retry' && some.length > 0) {
      this.remove((each) => some.includes(each));
      this.unblock(
        some.map((each) => each.key),
        at,
      );
      this.drop(what === 'discard' ? 'discarded' : 'cancelled', some.length);
    }
    return some.length;
  }

  cancelAhead(position: number): boolean {
    if (position <= this.claimed || this.ended.includes(position)) return false;
    const stored = this.rows.find((each) => each.position === position);
    if (stored?.state !== 'cancelled') this.write(row(position, { handler: this.handler, state: 'cancelled' }));
    return true;
  }

  private write(next: TaskRow): void {
    this.remove(({ position }) => position === next.position);
    this.rows.push(next);
  }

  private remove(isGone: (row: TaskRow) => boolean): void {
    this.rows = this.rows.filter((each) => !isGone(each));
  }

  private unblock(keys: readonly (string | null)[], at: number): void {
    for (const key of keys) {
      const lane = this.sorted().filter((each) => each.key === key && key !== null && live.includes(each.state));
      const [first] = lane;
      if (first !== undefined && lane.every(({ state }) => state === 'blocked'))
        this.write({ ...first, state: 'waiting', at, delayMs: 0 });
    }
  }

  private drop(reason: string, count: number): void {
    this.dropped[reason] = (this.dropped[reason] ?? 0) + count;
  }
}

/** Positions in their order. */
export function ascending(positions: readonly Position[]): readonly Position[] {
  return positions.toSorted((one, other) => one - other);
}
