// A device for tests of durable handlers: tabs over one database in memory, in a world whose time is told.
import { onTestFinished } from 'vitest';
import { defineEvents, type EventDefinition, type EventDefinitions } from '../../../event/define.ts';
import { payload } from '../../../event/schema.ts';
import type { Failure } from '../../../failure.ts';
import { createMemoryDatabase, openMemoryStore, type MemoryDatabase } from '../../../memory/store.ts';
import { createMemoryDevice, type MemoryDevice } from '../../../memory/tabs.ts';
import type { Logger } from '../../../ports/logger.ts';
import type { DeviceStore } from '../../../ports/tasks.ts';
import type { Telemetry } from '../../../ports/telemetry.ts';
import type { World } from '../../../ports/world.ts';
import { createTestWorld, type TestWorld } from '../../../testing/world.ts';
import { createEngine } from '../../create-engine.ts';
import type { Engine } from '../../engine.ts';
import { utf8Length } from '../../../event/json.ts';
import { openHandle } from '../../open-handle.ts';
import type { Runtime } from '../../runtime.ts';
import { createTaskSide, type MakeTaskSide } from '../task-side.ts';
import type { TaskOptions } from '../types.ts';

/** What is published in tests of durable handlers. */
export type OrderEvents = {
  readonly 'order.placed': EventDefinition<'order.placed', { readonly n: number }, { readonly n: number }>;
  readonly 'order.paid': EventDefinition<'order.paid', { readonly n: number }, { readonly n: number }>;
};

export const orders: OrderEvents = defineEvents({
  'order.placed': payload<{ readonly n: number }>(),
  'order.paid': payload<{ readonly n: number }>(),
});

/** How a tab is opened. */
export interface TabOptions {
  readonly tasks?: TaskOptions;
  readonly makeTasks?: MakeTaskSide;
  readonly channels?: readonly string[];
  readonly telemetry?: Telemetry;
  readonly logger?: Logger;
  readonly store?: (store: DeviceStore) => DeviceStore;
  readonly world?: (world: TestWorld) => World;
}

/** One tab. */
export interface TestTab<Events> {
  readonly runtime: Runtime<Events>;
  readonly engine: Engine;
  /** Stops answering and asking, as a tab does that was killed: its timers never fire, and its locks are free. */
  kill(): void;
  /** The same, but that it keeps its locks. */
  freeze(): void;
}

/** Tabs that share a disk. */
export interface TestDevice {
  readonly world: TestWorld;
  readonly database: MemoryDatabase;
  readonly reports: Failure[];
  tab(options?: TabOptions): Promise<Runtime<OrderEvents>>;
  open<Events extends EventDefinitions>(events: Events, options?: TabOptions): Promise<TestTab<Events>>;
}

/** Makes a device. Its tabs are closed with the test. */
export function createDevice(seed = 1): TestDevice {
  const world = createTestWorld({ seed });
  const database = createMemoryDatabase();
  const device: MemoryDevice = createMemoryDevice();
  const reports: Failure[] = [];

  return {
    world,
    database,
    reports,
    tab: async (options) => (await open(orders, options)).runtime,
    open,
  };

  async function open<Events extends EventDefinitions>(
    events: Events,
    {
      tasks = {},
      makeTasks = createTaskSide,
      channels = ['shop'],
      telemetry,
      logger,
      store = (same) => same,
      world: worldOf = (same) => same,
    }: TabOptions = {},
  ): Promise<TestTab<Events>> {
    let isDead = false;
    const its = worldOf(world);
    const mortal: World = {
      ...its,
      after: (ms, callback) => its.after(ms, () => isDead || callback()),
    };
    const disk = store(openMemoryStore(database, world));
    const tabs = device.tab();
    const engine = createEngine({
      store: untilDead(disk, () => isDead),
      storage: 'memory',
      tabs: tabs,
      link: undefined,
      world: mortal,
      channels: channels.map((channel) => [channel, 'earliest']),
      tasks,
    });
    const runtime = await openHandle(
      {
        engine,
        events,
        world: mortal,
        channels,
        tasks,
        telemetry,
        logger,
        report: (failure) => isDead || reports.push(failure),
      },
      makeTasks,
      utf8Length,
    );
    onTestFinished(async () => {
      if (isDead) return;
      const closing = runtime.close();
      await world.advance(10_000);
      await closing;
    });
    return {
      runtime,
      engine,
      kill() {
        isDead = true;
        tabs.close();
      },
      freeze() {
        isDead = true;
      },
    };
  }
}

/** A dead tab asks its disk nothing, and gets no answer. */
function untilDead(store: DeviceStore, isDead: () => boolean): DeviceStore {
  return new Proxy(store, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver);
      if (typeof member !== 'function') return member;
      return async (...args: readonly unknown[]) => {
        if (isDead()) return new Promise(() => undefined);
        const answer: unknown = await member.apply(target, args);
        return isDead() ? new Promise(() => undefined) : answer;
      };
    },
  });
}
