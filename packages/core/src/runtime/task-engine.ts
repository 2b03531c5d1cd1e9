// The engine's half of durable handlers: one tab's, with what the tabs of a device tell each other of them.
import { createDurable, type KnownHandler } from '../durable/durable.ts';
import type { HandlerParts } from '../durable/handler.ts';
import type { Position } from '../ports/store.ts';
import type { TabMessage, Tabs } from '../ports/tabs.ts';
import type { TaskEngine } from './engine.ts';

/** How the engine claims tasks. */
export interface TaskEngineOptions {
  /** See `TaskOptions`. */
  readonly scheduler?: 'concurrent' | 'cooperative' | undefined;
  readonly batch?: number | undefined;
  readonly start?: boolean | undefined;
}

/** What the engine needs of it beside what the application calls. */
export interface TaskEngineSide {
  readonly engine: TaskEngine;
  readonly known: readonly KnownHandler[];
  readonly paused: boolean;
  hear(message: Extract<TabMessage, { readonly kind: 'tasks' | 'pause-tasks' }>): void;
  /** The log grew. */
  wake(): void;
}

/** Makes it. `changed` hears of whatever `known` and `paused` show, once per tick. */
export function createTaskEngine(
  parts: Omit<HandlerParts, 'announce' | 'batchMax' | 'scheduler' | 'isPaused' | 'gone'> & {
    readonly tabs: Tabs;
    readonly options: TaskEngineOptions;
    /** What this tab has stored or handed over: a new handler's `now`. */
    readonly head: () => Position;
  },
): TaskEngineSide {
  const { store, tabs, options } = parts;
  let isHeld = options.start === false;
  let isPaused = false;
  let isTelling = false;
  const durable = createDurable({
    ...parts,
    scheduler: options.scheduler ?? 'concurrent',
    batchMax: options.batch,
    isPaused: () => isHeld || isPaused,
    changed,
    gone: tabs.gone,
    announce: (handler) => tabs.announce({ kind: 'tasks', handler }),
  });

  return {
    get known() {
      return durable.records();
    },
    get paused() {
      return isPaused;
    },
    wake: durable.wake,
    hear(message) {
      if (message.kind === 'tasks') durable.look(message.handler);
      else setPaused(message.paused);
    },
    engine: {
      // Where `now` is must be known at once: what is published next comes behind it.
      define: (spec) => durable.define(spec, spec.from === 'earliest' ? 0 : parts.head()),
      undefine: durable.undefine,
      async settle(outcomes) {
        durable.settle(outcomes);
      },
      async hold(held) {
        isHeld = held;
        durable.wake();
      },
      async pauseTasks(paused) {
        tabs.announce({ kind: 'pause-tasks', paused });
        setPaused(paused);
      },
      stopTasks: durable.stop,
      handlers: store.handlers,
      tasks: durable.tasks,
      changeTasks: durable.change,
    },
  };

  function setPaused(paused: boolean): void {
    isPaused = paused;
    durable.wake();
    changed();
  }

  /** A handler takes many steps; whoever watches wants to know where it stands. */
  function changed(): void {
    if (!isTelling) void tell();
  }

  async function tell(): Promise<void> {
    isTelling = true;
    await Promise.resolve();
    isTelling = false;
    parts.changed();
  }
}
