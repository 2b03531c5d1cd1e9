import { expect, test } from 'vitest';
import { Failure } from '../../failure.ts';
import type { DeviceStore } from '../../ports/tasks.ts';
import { createDevice } from './test/device.ts';

const nothing = (): void => undefined;

test.each([
  ['an empty name', '', nothing, {}],
  ['a name that is too long', 'x'.repeat(201), nothing, {}],
  ['a handler that is no function', 'ship', JSON.parse('"no function"'), {}],
  ['no attempts', 'ship', nothing, { maxErrors: 0 }],
  ['a fractional limit', 'ship', nothing, { maxErrors: 1.5 }],
  ['a priority that is no number', 'ship', nothing, { priority: Number.NaN }],
  ['a negative timeout', 'ship', nothing, { timeoutMs: -1 }],
  ['no concurrency', 'ship', nothing, { concurrency: 0 }],
  ['a key that is no function', 'ship', nothing, { key: JSON.parse('"n"') }],
  ['an unknown start', 'ship', nothing, { from: JSON.parse('"yesterday"') }],
  ['an unknown order', 'ship', nothing, { order: JSON.parse('"mine"') }],
  ['a channel that is not read', 'ship', nothing, { channel: 'elsewhere' }],
  ['a backoff of nothing', 'ship', nothing, { backoff: { baseMs: 0, capMs: 10 } }],
] as const)('%s is refused by name', async (_, name, handler, options) => {
  const { tab } = createDevice();
  const shop = await tab();
  expect(() => shop.handle('order.placed', name, handler, options)).toThrow(
    expect.objectContaining({ name: 'InvalidOptions' }),
  );
});

test('two handlers with one name are refused; a name that was stopped is free again', async () => {
  const { tab, world } = createDevice();
  const shop = await tab();
  const handled: string[] = [];
  const stop = shop.handle('order.placed', 'ship', () => void handled.push('first'));
  expect(() => shop.handle('order.paid', 'ship', () => undefined)).toThrow(
    expect.objectContaining({ name: 'InvalidOptions', message: expect.stringContaining('"ship" already') }),
  );
  await world.settle();
  stop();
  stop();
  shop.handle('order.placed', 'ship', () => void handled.push('second'));
  await world.settle();
  await shop.publish('order.placed', { n: 1 });
  await world.settle();
  expect(handled).toEqual(['second']);
});

test('a handler that is stopped by its signal is stopped, and one whose signal has aborted never begins', async () => {
  const { tab, world } = createDevice();
  const shop = await tab();
  const handled: string[] = [];
  const life = new AbortController();
  shop.handle('order.placed', 'ship', () => void handled.push('ship'), { signal: life.signal });
  shop.handle('order.placed', 'bill', () => void handled.push('bill'), { signal: AbortSignal.abort() });
  await world.settle();
  await shop.publish('order.placed', { n: 1 });
  await world.settle();
  life.abort();
  await world.settle();
  await shop.publish('order.placed', { n: 2 });
  await world.settle();
  expect(handled).toEqual(['ship']);
});

test.each([
  ['undefined', undefined],
  ['a string', 'just text'],
  ['null', null],
  ['what cannot be shown', Object.create(null)],
])('whatever is thrown, as %s, is a failure that says what it was', async (_, thrown) => {
  const { tab, world } = createDevice();
  const shop = await tab();
  shop.handle(
    'order.placed',
    'ship',
    () => {
      throw thrown;
    },
    { maxErrors: 1 },
  );
  await world.settle();
  await shop.publish('order.placed', { n: 1 });
  await world.settle();
  expect(await shop.tasks.list({ states: ['dead'] })).toMatchObject({
    tasks: [{ failure: { name: 'HandlerFailed', message: expect.stringMatching(/attempt 1 of 1: ./) } }],
  });
});

test.each([
  ['NaN', () => Number.NaN],
  ['a negative number', () => -1],
  ['Infinity', () => Infinity],
  [
    'an error',
    () => {
      throw new Error('no idea');
    },
  ],
])('a backoff that answers %s is reported, and the default one serves', async (_, backoff) => {
  const { tab, world, reports } = createDevice();
  const shop = await tab();
  const attempts: number[] = [];
  shop.handle(
    'order.placed',
    'ship',
    (__, { attempt }) => {
      attempts.push(attempt);
      if (attempt === 1) throw new Error('busy');
    },
    { backoff },
  );
  await world.settle();
  await shop.publish('order.placed', { n: 1 });
  await world.advance(1000);
  expect(attempts).toEqual([1, 2]);
  expect(reports).toMatchObject([
    { name: 'InvalidOptions', message: expect.stringContaining('the backoff of "ship"') },
  ]);
});

test('a clock that jumps back an hour delays nothing by an hour, and one that jumps forward a day loses nothing', async () => {
  const { tab, world } = createDevice();
  const shop = await tab();
  const attempts: number[] = [];
  shop.handle(
    'order.placed',
    'ship',
    (_, { attempt }) => {
      attempts.push(attempt);
      if (attempt < 4) throw new Error('busy');
    },
    { backoff: () => 10_000 },
  );
  await world.settle();
  await shop.publish('order.placed', { n: 1 });
  await world.settle();
  world.setClock(world.now() - 3_600_000);
  await world.advance(10_000);
  expect(attempts).toEqual([1, 2]);
  world.setClock(world.now() + 86_400_000);
  await world.advance(10_000);
  expect(attempts).toEqual([1, 2, 3]);
  world.setClock(world.now() - 3_600_000);
  // The tab is opened anew behind the jump.
  await shop.close();
  const again = await tab();
  again.handle('order.placed', 'ship', (_, { attempt }) => void attempts.push(attempt));
  await world.settle();
  expect(attempts).toEqual([1, 2, 3, 4]);
});

test('a store that fails for a while loses nothing: what ended is committed once it answers, and nothing is handled twice', async () => {
  const { tab, world, reports } = createDevice();
  let isBroken = false;
  const shop = await tab({ store: (store) => failing(store, () => isBroken, false) });
  const handled: number[] = [];
  shop.handle('order.placed', 'ship', ({ data }) => {
    handled.push(data.n);
    isBroken = data.n === 1;
  });
  await world.settle();
  for (const n of [1, 2]) await shop.publish('order.placed', { n });
  await world.advance(5000);
  expect(handled).toEqual([1]);
  isBroken = false;
  await world.advance(60_000);
  expect(handled).toEqual([1, 2]);
  expect(reports.length).toBeGreaterThan(0);
  expect(await shop.tasks.handlers()).toMatchObject([
    { totals: { passed: 2, handled: 2, failed: 0 }, rows: { waiting: 0, running: 0 } },
  ]);
});

test('a commit whose answer is lost is neither counted nor handled twice', async () => {
  const { tab, world } = createDevice();
  let answersLost = 0;
  const shop = await tab({
    store: (store) =>
      failing(
        store,
        () => {
          answersLost += 1;
          return answersLost % 3 === 0;
        },
        true,
      ),
  });
  const attempts: string[] = [];
  shop.handle(
    'order.placed',
    'ship',
    ({ data }, { attempt }) => {
      attempts.push(`${data.n}/${attempt}`);
      if (attempt === 1 && data.n % 2 === 0) throw new Error('busy');
    },
    { backoff: () => 100, key: ({ data }) => (data.n > 5 ? 'late' : null) },
  );
  await world.settle();
  for (let n = 0; n < 10; n += 1) await shop.publish('order.placed', { n });
  await world.advance(600_000);
  expect(attempts.toSorted()).toEqual(
    [
      '0/1',
      '0/2',
      '1/1',
      '2/1',
      '2/2',
      '3/1',
      '4/1',
      '4/2',
      '5/1',
      '6/1',
      '6/2',
      '7/1',
      '8/1',
      '8/2',
      '9/1',
    ].toSorted(),
  );
  expect(await shop.tasks.handlers()).toMatchObject([{ totals: { passed: 10, handled: 10, failed: 5 } }]);
  expect(await shop.tasks.count()).toBe(0);
});

/** A store whose steps fail when told to: before they commit, or behind it, when only the answer is lost. */
function failing(store: DeviceStore, fails: () => boolean, committed: boolean): DeviceStore {
  return {
    ...store,
    async advance(step) {
      const isFailing = fails();
      const lost = new Failure('StorageFailed', 'could not commit: the disk is full');
      if (isFailing && !committed) throw lost;
      const advanced = await store.advance(step);
      if (isFailing) throw lost;
      return advanced;
    },
  };
}

test('an event that was kept although its publish failed is handled at once, in this tab and in others', async () => {
  const { tab, world } = createDevice();
  const withoutAnswer = (store: DeviceStore): DeviceStore => ({
    ...store,
    async record(segments) {
      await store.record(segments);
      throw new Failure('StorageFailed', 'the answer was lost');
    },
  });
  const [first, second] = [await tab({ store: withoutAnswer }), await tab()];
  const heard: string[] = [];
  first.handle('order.placed', 'ship', ({ data }) => void heard.push(`ship ${data.n}`));
  await world.settle();
  second.handle('order.placed', 'bill', ({ data }) => void heard.push(`bill ${data.n}`));
  first.on('order.placed', ({ data }) => void heard.push(`first ${data.n}`));
  second.on('order.placed', ({ data }) => void heard.push(`second ${data.n}`));
  await world.settle();
  await expect(first.publish('order.placed', { n: 1 })).rejects.toMatchObject({ name: 'StorageFailed' });
  await world.settle();
  expect(heard.toSorted()).toEqual(['bill 1', 'first 1', 'second 1', 'ship 1']);
});
