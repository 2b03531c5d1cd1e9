// What a worker is told once and goes by until its end: whoever comes in its place is told so anew.
import type { EngineStatus, HandlerSpec } from '@godwit/core';
import type { Remote } from 'comlink';
import type { Outcome, WorkerSide } from '../worker/border.ts';

/** Asks the worker that begins. */
type Ask = (what: string, call: (side: Remote<WorkerSide>) => Promise<Outcome<unknown>>) => Promise<unknown>;

/** What was said to a tab's workers. */
export interface StandingOrders {
  /** By their names. */
  readonly handlers: Map<string, HandlerSpec>;
  isPaused: boolean;
  tasksPaused: boolean;
  isVisible: boolean;
  /** Whether handlers wait for `start`; undefined where nobody has said so. */
  isHeld: boolean | undefined;
  /** The worker that was told has ended: what the next one says first is no change. */
  ended(): void;
  /** What another tab paused or resumed is told by a change; what this one asked for stands until then. */
  heard(status: EngineStatus): void;
  /** Says all of it to a worker that has begun. */
  repeat(ask: Ask): Promise<void>;
}

/** Nothing was said yet. */
export function createStandingOrders(): StandingOrders {
  /** What the worker in use said last. The first one was told nothing: what it finds paused, another tab has paused. */
  let seen: Partial<EngineStatus> | undefined = { tasksPaused: false };
  const orders: StandingOrders = {
    handlers: new Map(),
    isPaused: false,
    tasksPaused: false,
    isVisible: false,
    isHeld: undefined,
    ended: () => (seen = undefined),
    heard(status) {
      if (seen !== undefined) {
        const isPaused = status.connection === 'paused';
        if (isPaused !== (seen.connection === 'paused')) orders.isPaused = isPaused;
        const { tasksPaused } = status;
        if (tasksPaused !== seen.tasksPaused) orders.tasksPaused = tasksPaused;
      }
      seen = status;
    },
    async repeat(ask) {
      const { handlers, isPaused, tasksPaused, isVisible, isHeld } = orders;
      if (isVisible) await ask('say that it is seen', async (side) => side.setVisible(true));
      if (isPaused) await ask('pause', async (side) => side.setPaused(true));
      if (tasksPaused) await ask('pause the handlers', async (side) => side.pauseTasks(true));
      if (isHeld !== undefined) await ask('start the handlers', async (side) => side.hold(isHeld));
      for (const spec of handlers.values()) await ask('start a handler', async (side) => side.define(spec));
    },
  };
  return orders;
}
