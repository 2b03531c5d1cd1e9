// What a runtime with nothing to do does: its timers are counted over a minute of told time.
import { createEngine, createHandle, createMemoryDevice, worldOf, type World } from '@godwit/core';
import { openSqliteStore } from '../../src/node/sqlite/store.ts';
import { burst, defineThree, untilHandled } from './handlers.ts';
import { burstEvents, shop } from './orders.ts';

const minuteMs = 60_000;

/** How many timers a runtime sets, or has set, while three durable handlers are defined and nothing is due. */
export async function timersWhileIdle(): Promise<number> {
  const { world, timers } = countedWorld();
  const engine = createEngine({
    store: openSqliteStore({ file: ':memory:', world, durability: 'os' }),
    storage: 'memory',
    tabs: createMemoryDevice().tab(),
    link: undefined,
    world,
    channels: [['shop', 'earliest']],
  });
  const runtime = await createHandle({ engine, events: shop, world, channels: ['shop'] });
  const names = await defineThree(runtime);
  await burst(runtime);
  await untilHandled(runtime, names, burstEvents);
  // Whatever was under way comes to rest.
  await timers.pass(minuteMs);
  timers.set = 0;
  await timers.pass(minuteMs);
  const { set, armed } = timers;
  await runtime.close();
  return set + armed;
}

interface Timers {
  /** How many were set. */
  set: number;
  /** How many are to fire. */
  readonly armed: number;
  pass(ms: number): Promise<void>;
}

/** A world whose time passes when it is told to. */
function countedWorld(): { readonly world: World; readonly timers: Timers } {
  const real = worldOf(globalThis);
  const armed = new Set<{ readonly at: number; readonly callback: () => void }>();
  let now = real.now();
  const timers: Timers = {
    set: 0,
    get armed() {
      return armed.size;
    },
    async pass(ms) {
      const end = now + ms;
      for (;;) {
        await settle();
        const [next] = [...armed].toSorted((one, other) => one.at - other.at);
        if (next === undefined || next.at > end) break;
        now = next.at;
        armed.delete(next);
        next.callback();
      }
      now = end;
    },
  };
  const world: World = {
    ...real,
    now: () => now,
    after(ms, callback) {
      timers.set += 1;
      const timer = { at: now + ms, callback };
      armed.add(timer);
      // A wait of no length is a turn for others; the clock stands still while the burst is worked off.
      if (ms === 0) setImmediate(() => armed.delete(timer) && callback());
      return () => armed.delete(timer);
    },
  };
  return { world, timers };
}

/** Lets everything happen that waits for no time. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
