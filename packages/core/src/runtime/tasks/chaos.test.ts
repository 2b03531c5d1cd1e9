// Random lives of a device's tabs: whatever happens, every event ends handled, dead or cancelled, and the counts agree.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Failure } from '../../failure.ts';
import type { DeviceStore } from '../../ports/tasks.ts';
import type { Stop } from '../../ports/world.ts';
import { mulberry32 } from '../../testing/world.ts';
import { createDevice, orders, type TestTab } from './test/device.ts';
import { iced, thawing, type Ice } from './test/ice.ts';

type Command =
  | { readonly kind: 'publish'; readonly tab: number; readonly events: number }
  | { readonly kind: 'open' }
  | { readonly kind: 'close' | 'kill'; readonly tab: number }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'pause' | 'resume' | 'freeze'; readonly tab: number }
  | { readonly kind: 'thaw' }
  | { readonly kind: 'stop' | 'define' | 'redefine' | 'shutdown'; readonly tab: number }
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
  {
    weight: 2,
    arbitrary: fc.oneof(
      fc.record({ kind: fc.constant('freeze' as const), tab }),
      fc.constant({ kind: 'thaw' } as const),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('stop' as const, 'define' as const, 'redefine' as const, 'shutdown' as const),
      tab,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('retry' as const, 'cancel' as const), tab }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('storage' as const),
      mode: fc.constantFrom('good' as const, 'failing' as const, 'answers-lost' as const),
    }),
  },
);

/**
 * Lives that found a fault of ours, each once: outcomes forgotten, a key held for ever, an event counted or run twice, one
 * never run, one run before the one before it of its key.
 */
const found: [number, Command[]][] = [
  [
    301_449,
    [
      { kind: 'publish', tab: 0, events: 5 },
      { kind: 'redefine', tab: 0 },
    ],
  ],
  [
    376_811,
    [
      { kind: 'publish', tab: 0, events: 7 },
      { kind: 'shutdown', tab: 0 },
      { kind: 'publish', tab: 0, events: 3 },
      { kind: 'storage', mode: 'failing' },
      { kind: 'open' },
      { kind: 'kill', tab: 0 },
      { kind: 'publish', tab: 0, events: 4 },
    ],
  ],
  [
    309_027,
    [
      { kind: 'publish', tab: 0, events: 4 },
      { kind: 'redefine', tab: 0 },
      { kind: 'publish', tab: 0, events: 7 },
      { kind: 'shutdown', tab: 0 },
      { kind: 'publish', tab: 0, events: 1 },
    ],
  ],
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
  readonly tab: Its;
  readonly signal: AbortSignal;
}

/** A tab, and what has been done to it. */
interface Its extends TestTab<typeof orders>, Ice {
  /** It is gone: no run in it matters any more. */
  isDead: boolean;
  isKilled: boolean;
  isShut: boolean;
  /** What it runs may overlap with what another tab runs, before it hears that its lease was lost. */
  hasFrozen: boolean;
  stops: Stop[];
}

async function live(seed: number, commands: readonly Command[]): Promise<void> {
  const device = createDevice(seed);
  const { world } = device;
  const dice = mulberry32(seed);
  let mode: Extract<Command, { kind: 'storage' }>['mode'] = 'good';
  let isCalm = false;
  let published = 0;
  const tabs: Its[] = [];
  const wrong: string[] = [];
  /** A dead letter that is run again comes behind those of its key that have been handled meanwhile. */
  let isRetried = false;
  const running = new Map<string, Run>();
  const handled = new Map<string, Set<number>>([
    ['plain', new Set()],
    ['keyed', new Set()],
  ]);

  async function open(): Promise<void> {
    const since: Omit<Its, keyof TestTab<typeof orders>> = {
      isDead: false,
      isKilled: false,
      isShut: false,
      frozen: undefined,
      hasFrozen: false,
      stops: [],
    };
    const later = async (callback: () => void): Promise<void> => {
      await thawing(since);
      callback();
    };
    const opened = await device.open(orders, {
      store: (store) => iced(isCalm ? store : unreliable(store), () => thawing(since)),
      world: (same) => ({ ...same, after: (ms, callback) => same.after(ms, () => void later(callback)) }),
      tasks: { scheduler: dice() < 0.5 ? 'cooperative' : 'concurrent', batch: dice() < 0.5 ? 4 : 64 },
    });
    const its: Its = Object.assign(since, opened);
    define(its);
    tabs.push(its);
    await world.settle();
  }

  function define(its: Its): void {
    if (its.isShut || its.stops.length > 0) return;
    for (const name of ['plain', 'keyed'] as const) {
      const stop = its.runtime.handle('order.placed', name, (event, task) => run(its, name, event.data.n, task), {
        from: 'earliest',
        maxErrors: 4,
        concurrency: name === 'keyed' ? 3 : 1 + Math.floor(dice() * 3),
        timeoutMs: 20_000,
        ...(name === 'keyed' ? { key: ({ data }) => `${data.n % 3}` } : {}),
      });
      its.stops.push(stop);
    }
  }

  function stop(its: Its): void {
    for (const each of its.stops.splice(0)) each();
  }

  async function run(its: Its, name: 'plain' | 'keyed', n: number, { signal }: { signal: AbortSignal }): Promise<void> {
    const before = running.get(`${name} ${n}`);
    await thawing(its);
    // Two may overlap only where the lease of the first was lost, and its signal says so; a dead tab says nothing.
    const mayOverlap = before === undefined || before.signal.aborted || before.tab.isDead || before.tab.hasFrozen;
    if (!mayOverlap && !its.hasFrozen) wrong.push(`two runs of ${name} ${n} at once`);
    if (name === 'keyed' && !isRetried && !its.hasFrozen && !signal.aborted) {
      for (let m = n - 3; m >= 0; m -= 3) if (!hasEnded(m)) wrong.push(`${n} is run before ${m}, which has its key`);
    }
    const mine = { tab: its, signal };
    running.set(`${name} ${n}`, mine);
    try {
      try {
        if (!isCalm) await dawdle();
      } finally {
        // In a tab that was killed nothing ends, and in one that is frozen nothing before it thaws.
        if (its.isKilled) await new Promise(() => undefined);
        await thawing(its);
      }
      if (!signal.aborted) handled.get(name)?.add(n);
    } finally {
      if (running.get(`${name} ${n}`) === mine) running.delete(`${name} ${n}`);
    }
  }

  function hasEnded(n: number): boolean {
    const rows = [...(device.database.contents.tasks.rows.get('keyed')?.values() ?? [])];
    const isDead = rows.some(({ state, event }) => state === 'dead' && JSON.stringify(event.data) === `{"n":${n}}`);
    return isDead || handled.get('keyed')?.has(n) === true;
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

  function thaw(): void {
    for (const its of tabs) {
      its.frozen?.resolve();
      its.frozen = undefined;
    }
  }

  const alive = (n: number): Its | undefined => {
    const all = tabs.filter(({ isDead, frozen }) => !isDead && frozen === undefined);
    return all[n % Math.max(1, all.length)];
  };

  await open();
  for (const its of commands) {
    const tab = 'tab' in its ? alive(its.tab) : undefined;
    switch (its.kind) {
      case 'publish':
        if (tab === undefined) break;
        for (let n = 0; n < its.events; n += 1) {
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
        if (tab !== undefined) tab.isDead = tab.isKilled = true;
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
      case 'freeze':
        if (tab === undefined) break;
        tab.frozen = Promise.withResolvers();
        tab.hasFrozen = true;
        break;
      case 'thaw':
        thaw();
        break;
      case 'stop':
        if (tab !== undefined) stop(tab);
        break;
      case 'define':
        if (tab !== undefined) define(tab);
        break;
      case 'redefine':
        if (tab === undefined) break;
        stop(tab);
        define(tab);
        break;
      case 'shutdown':
        if (tab === undefined || tab.isShut) break;
        tab.isShut = true;
        void tab.runtime.tasks.shutdown({ timeoutMs: dice() < 0.5 ? 30_000 : 100 });
        break;
      case 'retry':
        isRetried = true;
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
  thaw();
  // A pause that is still on its way would come behind the resuming.
  await world.settle();
  for (const its of tabs) if (!its.isDead) define(its);
  if (!tabs.some(({ isDead, isShut }) => !isDead && !isShut)) await open();
  for (const { isDead, runtime } of tabs) if (!isDead) runtime.tasks.resume();
  await world.advance(3_600_000);
  expect(wrong, `seed ${seed}`).toEqual([]);
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
