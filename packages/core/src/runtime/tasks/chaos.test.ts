// Random lives of a device's tabs: whatever happens, every event ends handled, dead or cancelled, and the counts agree.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Failure } from '../../failure.ts';
import type { DeviceStore } from '../../ports/tasks.ts';
import { mulberry32 } from '../../testing/world.ts';
import { createDevice, orders, type TestTab } from './test/device.ts';

type Command =
  | { readonly kind: 'publish'; readonly tab: number; readonly events: number }
  | { readonly kind: 'open' }
  | { readonly kind: 'close' | 'kill'; readonly tab: number }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'pause' | 'resume'; readonly tab: number }
  | { readonly kind: 'retry' | 'cancel'; readonly tab: number }
  | { readonly kind: 'storage'; readonly mode: 'good' | 'failing' | 'answers-lost' };

const tab = fc.nat(3);
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('publish' as const), tab, events: fc.integer({ min: 1, max: 20 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('open' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('close' as const, 'kill' as const), tab }) },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.constantFrom(1, 50, 1000, 10_000, 30_000) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('pause' as const, 'resume' as const), tab }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('retry' as const, 'cancel' as const), tab }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('storage' as const),
      mode: fc.constantFrom('good' as const, 'failing' as const, 'answers-lost' as const),
    }),
  },
);

/** Lives that found a fault of ours, each once: outcomes forgotten, a key held for ever, an event counted or run twice, one never run. */
const found: [number, Command[]][] = [
  [
    352_932,
    [
      { kind: 'close', tab: 0 },
      { kind: 'storage', mode: 'answers-lost' },
      { kind: 'open' },
      { kind: 'publish', tab: 0, events: 5 },
    ],
  ],
  [
    672_234,
    [
      { kind: 'storage', mode: 'answers-lost' },
      { kind: 'publish', tab: 1, events: 18 },
      { kind: 'publish', tab: 3, events: 13 },
      { kind: 'publish', tab: 0, events: 10 },
      { kind: 'open' },
      { kind: 'close', tab: 1 },
      { kind: 'storage', mode: 'failing' },
      { kind: 'advance', ms: 30_000 },
      { kind: 'advance', ms: 10_000 },
    ],
  ],
  [
    16,
    [
      { kind: 'storage', mode: 'answers-lost' },
      { kind: 'publish', tab: 0, events: 13 },
      { kind: 'open' },
      { kind: 'advance', ms: 30_000 },
    ],
  ],
  [
    442_185,
    [
      { kind: 'publish', tab: 0, events: 8 },
      { kind: 'close', tab: 0 },
    ],
  ],
  [
    757_333,
    [
      { kind: 'publish', tab: 0, events: 5 },
      { kind: 'publish', tab: 0, events: 1 },
      { kind: 'publish', tab: 0, events: 5 },
      { kind: 'advance', ms: 10_000 },
      { kind: 'kill', tab: 0 },
    ],
  ],
  [
    1,
    [
      { kind: 'publish', tab: 0, events: 11 },
      { kind: 'publish', tab: 0, events: 5 },
      { kind: 'advance', ms: 10_000 },
      { kind: 'publish', tab: 0, events: 5 },
      { kind: 'publish', tab: 0, events: 15 },
    ],
  ],
];

test('tabs that open, close and die, handlers that throw, hang and dawdle, a disk that fails: no event is lost, none runs twice at once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 1_000_000 }), fc.array(command, { maxLength: 40 }), live),
    { numRuns: 400, examples: found },
  );
}, 120_000);

/** What one run of a handler looks like from outside. */
interface Run {
  readonly tab: object;
  readonly signal: AbortSignal;
}

async function live(seed: number, commands: readonly Command[]): Promise<void> {
  const device = createDevice(seed);
  const { world } = device;
  const dice = mulberry32(seed);
  let mode: Extract<Command, { kind: 'storage' }>['mode'] = 'good';
  let isCalm = false;
  let published = 0;
  const tabs: (TestTab<typeof orders> & { isDead: boolean })[] = [];
  const running = new Map<string, Run>();
  const order = new Map<string, number[]>();
  const handled = new Map<string, Set<number>>([
    ['plain', new Set()],
    ['keyed', new Set()],
  ]);

  async function open(): Promise<void> {
    const opened = await device.open(orders, {
      store: (store) => (isCalm ? store : unreliable(store)),
      tasks: { scheduler: dice() < 0.5 ? 'cooperative' : 'concurrent', batch: dice() < 0.5 ? 4 : 64 },
    });
    const its = Object.assign(opened, { isDead: false });
    for (const name of ['plain', 'keyed'] as const) {
      its.runtime.handle(
        'order.placed',
        name,
        async ({ data: { n } }, { signal, attempt }) => {
          const run = `${name} ${n}`;
          const before = running.get(run);
          // Two may overlap only where the lease of the first was lost, and its signal says so; a dead tab says nothing.
          const isAlone =
            before === undefined ||
            before.signal.aborted ||
            tabs.some(({ isDead, runtime }) => isDead && runtime === before.tab);
          if (!isAlone) throw new Error(`two runs of ${run} at once`);
          const mine = { tab: its.runtime, signal };
          running.set(run, mine);
          try {
            if (!isCalm) await dawdle();
            if (!signal.aborted) {
              if (name === 'keyed') order.set(`${n % 3}`, [...(order.get(`${n % 3}`) ?? []), n]);
              handled.get(name)?.add(n);
            }
          } finally {
            if (running.get(run) === mine) running.delete(run);
          }
          if (attempt > 100) throw new Error('never');
        },
        {
          from: 'earliest',
          maxErrors: 4,
          concurrency: name === 'keyed' ? 3 : 1 + Math.floor(dice() * 3),
          timeoutMs: 20_000,
          ...(name === 'keyed' ? { key: ({ data }) => `${data.n % 3}` } : {}),
        },
      );
    }
    tabs.push(its);
    await world.settle();
  }

  async function dawdle(): Promise<void> {
    const throwOf = dice();
    if (throwOf < 0.2) throw new Error('by chance');
    if (throwOf < 0.25) return new Promise(() => undefined);
    if (throwOf < 0.6) await new Promise<void>((resolve) => void world.after(dice() * 5000, resolve));
  }

  function unreliable(store: DeviceStore): DeviceStore {
    return {
      ...store,
      async advance(step) {
        const fails = !isCalm && mode !== 'good' && dice() < 0.5;
        const failure = new Failure('StorageFailed', 'by chance');
        if (fails && mode === 'failing') throw failure;
        const advanced = await store.advance(step);
        if (fails) throw failure;
        return advanced;
      },
    };
  }

  const alive = (n: number): (typeof tabs)[number] | undefined => {
    const all = tabs.filter(({ isDead }) => !isDead);
    return all[n % Math.max(1, all.length)];
  };

  await open();
  for (const its of commands) {
    const tab = 'tab' in its ? alive(its.tab) : undefined;
    switch (its.kind) {
      case 'publish':
        for (let n = 0; tab !== undefined && n < its.events; n += 1) {
          await tab.runtime.publish('order.placed', { n: published });
          published += 1;
        }
        break;
      case 'open':
        if (tabs.filter(({ isDead }) => !isDead).length < 4) await open();
        break;
      case 'close':
        if (tab !== undefined) {
          tab.isDead = true;
          const closing = tab.runtime.close();
          await world.advance(10_000);
          await closing;
        }
        break;
      case 'kill':
        if (tab !== undefined) tab.isDead = true;
        if (dice() < 0.5) tab?.kill();
        else tab?.freeze();
        break;
      case 'advance':
        await world.advance(its.ms);
        break;
      case 'pause':
        tab?.runtime.tasks.pause();
        break;
      case 'resume':
        tab?.runtime.tasks.resume();
        break;
      case 'retry':
        await tab?.runtime.tasks.retry({ states: ['dead', 'waiting'] });
        break;
      case 'cancel':
        await tab?.runtime.tasks.cancel({ handler: 'plain', states: ['waiting'] });
        break;
      case 'storage':
        ({ mode } = its);
        break;
    }
  }

  isCalm = true;
  // A pause that is still on its way would come behind the resuming.
  await world.settle();
  if (alive(0) === undefined) await open();
  for (const { isDead, runtime } of tabs) if (!isDead) runtime.tasks.resume();
  await world.advance(3_600_000);
  const last = alive(0);
  const records = (await last?.runtime.tasks.handlers()) ?? [];
  for (const { name, rows, totals } of records) {
    const dropped = Object.values(totals.dropped).reduce((sum, count) => sum + count, 0);
    const what = `${name} of seed ${seed}: ${JSON.stringify({ rows, totals })}`;
    expect({ ...rows, dead: 0 }, what).toEqual({
      waiting: 0,
      blocked: 0,
      running: 0,
      dead: 0,
      deferred: 0,
      cancelled: 0,
    });
    expect(totals.passed, what).toBe(published);
    expect(totals.handled + rows.dead + dropped, what).toBe(published);
    expect(handled.get(name)?.size, what).toBeGreaterThanOrEqual(totals.handled);
  }
  expect(world.timers).toBe(0);
  await Promise.all(tabs.filter(({ isDead }) => !isDead).map(({ runtime }) => runtime.close()));
}
