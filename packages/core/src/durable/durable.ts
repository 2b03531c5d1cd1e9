// The durable handlers of one tab: which there are, who is told of what, and what a person does with their tasks.
import { Failure } from '../failure.ts';
import type { Position } from '../ports/store.ts';
import type { HandlerStore, HandlerRecord, TaskChange, TaskKey, TaskPage, TaskQuery } from '../ports/tasks.ts';
import { changeAll } from './pages.ts';
import { finishMs, startHandler, type DurableHandler, type HandlerParts } from './handler.ts';
import { orAborted } from '../timing/wait.ts';
import { claimMax } from './limits.ts';
import { sharedRead } from './shared-read.ts';
import type { HandlerSpec, TaskOutcome } from './task.ts';

/** A tab's durable handlers. */
export interface Durable {
  /**
   * Starts a handler, once the one before of this name has stopped; one that this device never had, behind `start`.
   *
   * @throws Failure `InvalidOptions` when the tab has one of this name that was not told to stop
   */
  define(spec: HandlerSpec, start: Position): Promise<void>;
  /** Stops one; another tab that defines it goes on. */
  undefine(name: string, graceMs: number): Promise<void>;
  settle(outcomes: readonly TaskOutcome[]): void;
  /** The log grew, or the pause ended. */
  wake(): void;
  /** Another tab changed rows of this handler, or let go of its lease. */
  look(name: string): void;
  /** What is known of those that this tab defines. */
  records(): readonly KnownHandler[];
  tasks(query: TaskQuery, page: { readonly after?: TaskKey | undefined; readonly limit: number }): Promise<TaskPage>;
  /** Changes every task that the query finds; answers how many. */
  change(query: TaskQuery, change: TaskChange): Promise<number>;
  /** Stops all, each with so long a grace, in milliseconds. */
  stop(graceMs: number): Promise<void>;
}

/** A handler, and whether this tab runs it. */
export interface KnownHandler extends HandlerRecord {
  readonly isHere: boolean;
}

/** Makes a tab without handlers. */
export function createDurable(
  parts: Omit<HandlerParts, 'batchMax'> & {
    readonly store: HandlerStore;
    readonly batchMax?: number | undefined;
  },
): Durable {
  const { store, world, announce, batchMax = claimMax } = parts;
  const read = sharedRead(store);
  const handlers = new Map<string, DurableHandler>();
  /** What was last asked for each name, until it is done. */
  const turns = new Map<string, Promise<void>>();
  let isStopped = false;

  return {
    define: (spec, start) =>
      inTurn(spec.name, async () => {
        // One that waited for the one before of its name does not begin behind the end.
        if (isStopped) return;
        if (handlers.has(spec.name)) {
          throw new Failure(
            'InvalidOptions',
            `this tab has a handler "${spec.name}" already; a name is what is stored of a handler, so each has its own`,
          );
        }
        handlers.set(spec.name, startHandler(spec, start, { ...parts, store: { ...store, read }, batchMax }));
      }),
    undefine: (name, graceMs) =>
      inTurn(name, async () => {
        await handlers.get(name)?.stop(graceMs);
        handlers.delete(name);
        parts.changed();
      }),
    settle(outcomes) {
      for (const [name, its] of Map.groupBy(outcomes, ({ handler }) => handler)) handlers.get(name)?.settle(its);
    },
    wake() {
      for (const handler of handlers.values()) handler.wake();
    },
    look: (name) => handlers.get(name)?.look(),
    records: () =>
      [...handlers.values()].flatMap(({ record, isOwned }) =>
        record === undefined ? [] : [{ ...record, isHere: isOwned }],
      ),
    tasks: store.tasks,
    async change(query, change) {
      let changed = await changeAll(store, query, change, world);
      if (change === 'cancel' && changed === 0 && (await cancelAhead(query))) changed = 1;
      if (changed > 0) {
        for (const name of query.handler === undefined ? handlers.keys() : [query.handler]) {
          handlers.get(name)?.look();
          announce(name);
        }
      }
      return changed;
    },
    async stop(graceMs) {
      isStopped = true;
      const late = new AbortController();
      // A store that answers nothing must not keep the tab from closing.
      const stopTimer = world.after(graceMs + 2 * finishMs, () => late.abort());
      await orAborted(Promise.all([...handlers.values()].map((handler) => handler.stop(graceMs))), late.signal);
      stopTimer();
    },
  };

  /** One after the other: two of one name in one tab would take each other's outcomes, and what was said last holds. */
  async function inTurn(name: string, work: () => Promise<void>): Promise<void> {
    const turn = turns.get(name)?.then(work) ?? work();
    const over = turn.catch(() => undefined);
    turns.set(name, over);
    try {
      await turn;
    } finally {
      if (turns.get(name) === over) turns.delete(name);
    }
  }

  /** An event that its handler has not reached has no row: one is written, for the handler to find when it comes by. */
  async function cancelAhead({ handler, position, states, type }: TaskQuery): Promise<boolean> {
    if (handler === undefined || position === undefined || states !== undefined) return false;
    const { entries } = await store.read(position - 1, 1);
    const [entry] = entries;
    if (entry?.kind !== 'event' || entry.position !== position) return false;
    const { channel, event, offset } = entry;
    if (type !== undefined && type !== event.type) return false;
    const row = { handler, position, channel, event, offset, attempts: 0, key: null, at: world.now(), delayMs: 0 };
    return store.cancelAhead({ ...row, failure: null });
  }
}
