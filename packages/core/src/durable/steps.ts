// What the ends of tasks change in the store: rows that come and go, and what is counted.
import type { FailureJson } from '../failure.ts';
import type { Position, Step, TaskRow, TaskState } from '../ports/index.ts';
import { deferredMax } from './limits.ts';
import type { Task, TaskOutcome } from './task.ts';

/** What a step says of the tasks that have ended. */
export type Ended = Pick<Step, 'put' | 'remove' | 'unblock' | 'totals'> & {
  /** Fresh events that go back to the log. */
  readonly givenBack: readonly Position[];
  /** Keys of which a failed task is stored by this step. */
  readonly held: readonly string[];
};

/**
 * Adds up what became of tasks. `deferred` is how many rows are deferred already, `highest` the highest position in flight,
 * and `busy` has the keys of what is.
 */
export function endedBy(
  ends: readonly (readonly [task: Task, outcome: TaskOutcome])[],
  at: number,
  deferred: number,
  highest: Position,
  busy: ReadonlySet<string | null> = new Set(),
): Ended {
  const put: TaskRow[] = [];
  const remove: Position[] = [];
  const unblock = new Set<string>();
  const held: string[] = [];
  const givenBack: Position[] = [];
  const dropped: Record<string, number> = {};
  let handled = 0;
  let failed = 0;

  const gone = (task: Task): void => {
    if (task.again) remove.push(task.position);
  };
  const drop = (task: Task, reason: string): void => {
    dropped[reason] = (dropped[reason] ?? 0) + 1;
    gone(task);
  };

  for (const [task, outcome] of ends) {
    const unused = task.attempt - 1;
    switch (outcome.kind) {
      case 'handled':
        handled += 1;
        gone(task);
        break;
      case 'failed':
        failed += 1;
        if (outcome.afterMs === null) put.push(rowOf(task, at, { state: 'dead', failure: outcome.failure }));
        else {
          put.push(rowOf(task, at, { state: 'waiting', delayMs: outcome.afterMs, failure: outcome.failure }));
          if (task.key !== null) held.push(task.key);
        }
        break;
      case 'deferred':
        if (deferred >= deferredMax) drop(task, 'overflow');
        else put.push(rowOf(task, at, { state: 'deferred', attempts: unused, failure: outcome.failure }));
        deferred += 1;
        break;
      case 'skipped':
        drop(task, 'skipped');
        break;
      case 'blocked':
        put.push(rowOf(task, at, { state: 'blocked', attempts: unused }));
        break;
      case 'returned':
        // Of one key several may come back: one after the other, and behind one that still runs.
        if (task.key !== null) put.push(rowOf(task, at, { state: 'blocked', attempts: unused }));
        // Below something that is still in flight, its place in the log cannot be given back.
        else if (task.again || task.position < highest)
          put.push(rowOf(task, at, { state: 'waiting', attempts: unused }));
        else givenBack.push(task.position);
        break;
    }
    const goesOn = outcome.kind === 'failed' ? outcome.afterMs === null : outcome.kind !== 'blocked';
    // Whoever of its key is still in flight lets the next one go on.
    if (goesOn && task.key !== null && !busy.has(task.key)) unblock.add(task.key);
  }
  const totals = { passed: 0 - givenBack.length, handled, failed, dropped };
  return { put, remove, unblock: [...unblock], givenBack, held, totals };
}

/** A task as a row. */
export function rowOf(
  { handler, position, channel, event, offset, attempt, key, failure: before }: Task,
  at: number,
  its: {
    readonly state: TaskState;
    readonly attempts?: number;
    readonly delayMs?: number;
    readonly failure?: FailureJson;
  },
): TaskRow {
  const { state, attempts = attempt, delayMs = 0, failure = before ?? null } = its;
  return { handler, position, state, channel, event, offset, attempts, key, at, delayMs, failure };
}

/** A row as the task that runs it. */
export function taskOf(row: TaskRow, term: number): Task {
  const { handler, position, channel, event, offset, attempts, key, failure } = row;
  return { handler, term, position, channel, event, offset, attempt: attempts, key, again: true, failure };
}

/** Whether a tab died that had claimed it, and it has not ended since: it may be what the tab died of. */
export function isAbandoned({ failure }: Pick<Task, 'failure'>): boolean {
  return failure?.name === 'Abandoned';
}
