import { expect, test } from 'vitest';
import { createDevice, orders, type TestDevice, type TestTab } from './test/device.ts';
import type { HandleOptions } from './types.ts';

type Options = HandleOptions<{ readonly data: { readonly n: number } }>;

type Crash = (n: number, attempt: number) => boolean;

/** A tab that handles orders and dies of some. Answers what it has begun, as `number/attempt`. */
async function handling(
  { open, world }: TestDevice,
  options: Options,
  crashes: Crash = () => false,
): Promise<{ readonly tab: TestTab<typeof orders>; readonly begun: string[] }> {
  const tab = await open(orders);
  const begun: string[] = [];
  tab.runtime.handle(
    'order.placed',
    'charge',
    ({ data }, { attempt }) => {
      // Whoever is dead begins nothing.
      if (begun.at(-1) === 'dead') return new Promise(() => undefined);
      begun.push(`${data.n}/${attempt}`);
      if (!crashes(data.n, attempt)) return undefined;
      tab.kill();
      begun.push('dead');
      return new Promise(() => undefined);
    },
    { from: 'earliest', ...options },
  );
  await world.settle();
  return { tab, begun };
}

/** Publishes so many; answers where they are. */
async function published(device: TestDevice, count: number): Promise<readonly (number | null)[]> {
  const tab = await device.tab();
  const receipts = await Promise.all(numbers(0, count).map((n) => tab.publish('order.placed', { n })));
  await device.world.settle();
  await tab.close();
  return receipts.map(({ position }) => position);
}

/** How many are claimed, as the disk has it. */
function claimedOf({ database }: TestDevice, positions: readonly (number | null)[]): number {
  const record = database.contents.tasks.records.get('charge');
  if (record === undefined) throw new Error('there is no such handler');
  const { cursor, claimed, ended, rows } = record;
  const fresh = positions.filter((at) => at !== null && at > cursor && at <= claimed && !ended.includes(at));
  return rows.running + fresh.length;
}

function numbers(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

async function deadOf({ runtime }: TestTab<typeof orders>): Promise<readonly unknown[]> {
  const { tasks } = await runtime.tasks.list({ states: ['dead'] });
  return tasks.map(({ event, attempts, failure }) => [event.data, attempts, failure?.name]);
}

test('of what a dead tab had claimed by the hundred, whatever it had not begun has used no attempt, and is handled in order', async () => {
  const device = createDevice();
  await published(device, 300);
  const one = await handling(device, {}, (n) => n === 150);
  expect(one.begun.at(-2)).toBe('150/1');
  const two = await handling(device, {});
  await device.world.advance(60_000);
  const behind = two.begun.filter((run) => Number(run.split('/')[0]) > 150);
  expect(behind).toEqual(numbers(151, 300).map((n) => `${n}/1`));
  expect(await two.tab.runtime.tasks.handlers()).toMatchObject([
    { totals: { passed: 300, handled: 300, failed: 1 }, rows: { dead: 0, waiting: 0 } },
  ]);
});

test('with a single attempt only what had begun is a dead letter when its tab dies', async () => {
  for (const [concurrency, expected] of [
    [1, [5]],
    [3, [3, 4, 5]],
  ] as const) {
    const device = createDevice();
    await published(device, 20);
    const one = await device.open(orders);
    const begun: number[] = [];
    // Each takes a while, so that the disk knows what has ended.
    one.runtime.handle(
      'order.placed',
      'charge',
      async ({ data }) => {
        begun.push(data.n);
        if (data.n === 5) one.kill();
        await new Promise<void>((resolve) => void device.world.after(data.n < 3 ? 10 : 1000, resolve));
      },
      { from: 'earliest', maxErrors: 1, concurrency },
    );
    await device.world.advance(60_000);
    expect(begun).toEqual(numbers(0, 6));
    const two = await handling(device, { maxErrors: 1, concurrency });
    await device.world.advance(60_000);
    expect(await deadOf(two.tab)).toEqual(expected.map((n) => [{ n }, 1, 'Abandoned']));
    expect(two.begun).toEqual(numbers(6, 20).map((n) => `${n}/1`));
  }
});

test('an event that kills every tab that begins it is a dead letter after its attempts, and takes no other along', async () => {
  for (const options of [
    { maxErrors: 3 },
    { maxErrors: 1 },
    { maxErrors: 3, concurrency: 4 },
    { maxErrors: 3, concurrency: 4, key: () => 'north' },
  ]) {
    const device = createDevice();
    await published(device, 100);
    const handled = new Set<number>();
    let crashes = 0;
    for (; crashes < 10; crashes += 1) {
      const { tab, begun } = await handling(device, options, (n) => n === 50);
      await device.world.advance(60_000);
      const isDead = begun.at(-1) === 'dead';
      for (const run of begun) if (!run.startsWith('50/') && run !== 'dead') handled.add(Number.parseInt(run, 10));
      if (isDead) continue;
      const what = JSON.stringify(options);
      expect(await deadOf(tab), what).toEqual([[{ n: 50 }, options.maxErrors, 'Abandoned']]);
      expect(handled.size, what).toBe(99);
      break;
    }
    // The first of them had claimed so many that nobody knows what of it had begun.
    expect([options.maxErrors, options.maxErrors + 1]).toContain(crashes);
  }
});

test('a retry that was claimed with many others has used an attempt only of those that ran', async () => {
  const device = createDevice();
  await published(device, 40);
  let isOpen = false;
  const one = await device.open(orders);
  one.runtime.handle(
    'order.placed',
    'charge',
    ({ data }) => {
      if (!isOpen) throw new Error('the bank is closed');
      if (data.n !== 20) return undefined;
      one.kill();
      return new Promise(() => undefined);
    },
    { from: 'earliest', maxErrors: 3, backoff: () => 10_000 },
  );
  await device.world.advance(5000);
  isOpen = true;
  await device.world.advance(60_000);
  const two = await handling(device, { maxErrors: 3 });
  await device.world.advance(60_000);
  expect(two.begun.filter((run) => Number.parseInt(run, 10) > 20)).toEqual(numbers(21, 40).map((n) => `${n}/2`));
  expect(await deadOf(two.tab)).toEqual([]);
});

test('of events with keys those have used an attempt that can have begun: the first of each key, as many as run at once', async () => {
  const device = createDevice();
  await published(device, 12);
  const one = await device.open(orders);
  const begun: number[] = [];
  const options: Options = {
    from: 'earliest',
    concurrency: 2,
    // 0 to 5 are of one key, and 6 to 11 of another.
    key: ({ data }) => (data.n < 6 ? 'north' : 'south'),
  };
  one.runtime.handle(
    'order.placed',
    'charge',
    ({ data }) => {
      begun.push(data.n);
      return new Promise(() => undefined);
    },
    options,
  );
  await device.world.settle();
  expect(begun).toEqual([0, 6]);
  one.kill();
  const two = await device.tab();
  const attempts: string[] = [];
  two.handle('order.placed', 'charge', ({ data }, { attempt }) => void attempts.push(`${data.n}/${attempt}`), options);
  await device.world.advance(60_000);
  expect(attempts.filter((run) => run.endsWith('/2')).toSorted()).toEqual(['0/2', '6/2']);
  expect(attempts.map((run) => Number.parseInt(run, 10)).filter((n) => n < 6)).toEqual(numbers(0, 6));
  expect(attempts).toHaveLength(12);
});

test('what a tab may have died of is run with no more claimed beside it than run at once, also after a pause has given it back', async () => {
  const device = createDevice();
  const { world } = device;
  const positions = await published(device, 40);
  const one = await device.open(orders);
  one.runtime.handle('order.placed', 'charge', () => new Promise(() => undefined), { from: 'earliest' });
  await world.settle();
  one.kill();

  // The one worker is busy with another handler, so that what is claimed of this one waits in the tab.
  const two = await device.tab({ tasks: { workers: 1 } });
  const held = Promise.withResolvers<void>();
  two.handle('order.placed', 'hold', ({ data }) => (data.n === 0 ? held.promise : undefined), {
    from: 'earliest',
    priority: 1,
  });
  await world.settle();
  const claimed: number[] = [];
  const look = (n: number): void => {
    if (n < 2) claimed.push(claimedOf(device, positions));
  };
  two.handle(
    'order.placed',
    'charge',
    async ({ data }) => {
      look(data.n);
      await new Promise<void>((resolve) => void world.after(300, resolve));
      look(data.n);
    },
    { from: 'earliest' },
  );
  await world.advance(5000);
  two.tasks.pause();
  await world.advance(1000);
  two.tasks.resume();
  await world.advance(1000);
  held.resolve();
  await world.advance(60_000);
  expect(claimed).toEqual([1, 1, 1, 1]);
  expect(await two.tasks.handlers()).toMatchObject([{ totals: { handled: 40 } }, { totals: { handled: 40 } }]);
});

test('a key whose task has ended makes no more due beside what a tab may have died of than run at once', async () => {
  const device = createDevice();
  const { world, database } = device;
  const positions = await published(device, 60);
  // What ends first lets another of its key go on, while one without a key is due already.
  const key = (n: number): string | null => (n === 1 ? 'south' : n === 3 || n > 7 ? null : 'north');
  const options: Options = { from: 'earliest', concurrency: 2, key: ({ data }) => key(data.n) };
  const one = await device.open(orders);
  one.runtime.handle('order.placed', 'charge', () => new Promise(() => undefined), options);
  await world.settle();
  one.kill();
  const most: number[] = [];
  const two = await device.tab({
    store: (store) => ({
      ...store,
      async advance(step) {
        const answer = await store.advance(step);
        const rows = [...(database.contents.tasks.rows.get('charge')?.values() ?? [])];
        if (rows.some(({ state, failure }) => state === 'running' && failure?.name === 'Abandoned'))
          most.push(claimedOf(device, positions));
        return answer;
      },
    }),
  });
  two.handle('order.placed', 'charge', () => undefined, options);
  await world.advance(60_000);
  expect(Math.max(...most)).toBe(2);
  expect(await two.tasks.handlers()).toMatchObject([{ totals: { handled: 60 } }]);
});
