// Runs what was claimed: by priority, then age, within the limits of workers, and one at a time where keys are the same.
import { Failure, failureFromJson } from '../../failure.ts';
import type { Task, TaskEnd, TaskHost, TaskOutcome } from '../../durable/task.ts';
import type { Stop } from '../../ports/world.ts';
import { Abort } from './abort.ts';
import type { HandlerDefinition } from './definition.ts';

/** How many tasks run at the same time in one tab, of all handlers, unless said otherwise. */
export const workersDefault = 16;

/** Runs tasks. */
export interface Executor extends Pick<TaskHost, 'run' | 'drop' | 'finish'> {
  add(definition: HandlerDefinition): void;
  /** Interrupts what runs, returns what waits, and returns whatever still comes. */
  remove(name: string): void;
  /** Paused, it begins no more, and returns what waits. */
  pause(paused: boolean): void;
}

interface Lane {
  readonly definition: HandlerDefinition;
  /** What waits, the oldest last: that is where it is taken from. */
  queue: Task[];
  readonly running: Map<Task, Abort>;
  /** Keys of which a task runs. */
  readonly busy: Set<string>;
  /** Keys of which a task failed that the store may not know of yet. */
  readonly held: Set<string>;
  /** The time that a stop gives to what runs. */
  stopTimer: Stop;
}

/** Makes an executor without handlers. */
export function createExecutor(parts: {
  readonly workers: number;
  readonly after: (ms: number, callback: () => void) => Stop;
  /** Runs one attempt; never throws or rejects. */
  readonly attempt: (definition: HandlerDefinition, task: Task, abort: Abort) => TaskEnd | Promise<TaskEnd>;
  /** Takes outcomes, those of one tick together. */
  readonly settle: (outcomes: readonly TaskOutcome[]) => void;
}): Executor {
  const { workers, after, attempt, settle } = parts;
  const lanes = new Map<string, Lane>();
  let running = 0;
  let isPaused = false;
  let outcomes: TaskOutcome[] = [];

  return {
    add(definition) {
      lanes.set(definition.spec.name, {
        definition,
        queue: [],
        running: new Map(),
        busy: new Set(),
        held: new Set(),
        stopTimer: () => undefined,
      });
    },
    remove(name) {
      finish(name, 0);
      lanes.delete(name);
    },
    pause(paused) {
      isPaused = paused;
      for (const lane of lanes.values()) if (paused) giveBack(lane);
    },
    run(handler, tasks, stored) {
      const lane = lanes.get(handler);
      if (lane === undefined) return returnAll(tasks);
      for (const key of stored) lane.held.delete(key);
      for (const task of tasks) {
        if (!task.again && task.key !== null && lane.held.has(task.key)) tell(task, { kind: 'blocked' });
        else lane.queue.push(task);
      }
      lane.queue.sort((a, b) => b.position - a.position);
      if (isPaused) giveBack(lane);
      pump();
    },
    drop(handler, json) {
      const lane = lanes.get(handler);
      if (lane === undefined) return;
      lane.queue = [];
      lane.held.clear();
      stopRunning(lane, failureFromJson(json));
      pump();
    },
    finish,
  };

  function finish(handler: string, graceMs: number): void {
    const lane = lanes.get(handler);
    if (lane === undefined) return;
    giveBack(lane);
    const late = (): void => {
      for (const task of lane.running.keys()) tell(task, { kind: 'returned' });
      stopRunning(lane, new Failure('Cancelled', `"${handler}" is stopped, and the time for what still ran is over`));
      pump();
    };
    lane.stopTimer();
    if (lane.running.size === 0) return;
    if (graceMs <= 0) late();
    else lane.stopTimer = after(graceMs, late);
  }

  function giveBack(lane: Lane): void {
    returnAll(lane.queue.toReversed());
    lane.queue = [];
  }

  function pump(): void {
    while (running < workers) {
      const next = pick();
      if (next === undefined) return;
      const { lane, index } = next;
      const [task] = lane.queue.splice(index, 1);
      if (task !== undefined) begin(lane, task);
    }
  }

  /** The task to run next, by its place in the queue: of the handlers that have room, the lowest priority, then the oldest. */
  function pick(): { readonly lane: Lane; readonly index: number } | undefined {
    let best: { readonly lane: Lane; readonly index: number; readonly position: number } | undefined;
    for (const lane of lanes.values()) {
      const { definition, queue } = lane;
      if (queue.length === 0 || lane.running.size >= definition.spec.concurrency) continue;
      const index = queue.findLastIndex(({ key }) => key === null || !lane.busy.has(key));
      const position = queue[index]?.position;
      if (position === undefined) continue;
      const than = best?.lane.definition.priority ?? Infinity;
      if (definition.priority > than) continue;
      if (best === undefined || definition.priority < than || position < best.position)
        best = { lane, index, position };
    }
    return best;
  }

  function begin(lane: Lane, task: Task): void {
    const abort = new Abort();
    running += 1;
    lane.running.set(task, abort);
    if (task.key !== null) lane.busy.add(task.key);
    const end = attempt(lane.definition, task, abort);
    if (!(end instanceof Promise)) return ended(lane, task, end);
    void later(lane, task, end);
  }

  async function later(lane: Lane, task: Task, end: Promise<TaskEnd>): Promise<void> {
    ended(lane, task, await end);
    pump();
  }

  function ended(lane: Lane, task: Task, end: TaskEnd): void {
    // Given up before: whatever it says now counts no more.
    if (!letGo(lane, task)) return;
    tell(task, end);
    const { key } = task;
    if (key === null || end.kind !== 'failed' || end.afterMs === null) return;
    // What comes behind it waits for it in the store.
    lane.held.add(key);
    lane.queue = lane.queue.filter((other) => {
      if (other.again || other.key !== key) return true;
      tell(other, { kind: 'blocked' });
      return false;
    });
  }

  function letGo(lane: Lane, task: Task): boolean {
    if (!lane.running.delete(task)) return false;
    running -= 1;
    if (task.key !== null) lane.busy.delete(task.key);
    if (lane.running.size === 0) lane.stopTimer();
    return true;
  }

  function stopRunning(lane: Lane, reason: Failure): void {
    for (const [task, abort] of lane.running) {
      letGo(lane, task);
      abort.abort(reason);
    }
  }

  function returnAll(tasks: readonly Task[]): void {
    for (const task of tasks) tell(task, { kind: 'returned' });
  }

  function tell({ handler, term, position }: Task, end: TaskEnd): void {
    outcomes.push({ handler, term, position, ...end });
    if (outcomes.length === 1) void flush();
  }

  async function flush(): Promise<void> {
    await Promise.resolve();
    const all = outcomes;
    outcomes = [];
    settle(all);
  }
}
