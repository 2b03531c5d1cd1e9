import { expect, test } from 'vitest';
import { createDevice } from './test/device.ts';

test('behind a clock that jumped back an hour, an event that is published meanwhile delays no retry by an hour', async () => {
  const { tab, world } = createDevice();
  const shop = await tab();
  const begun: string[] = [];
  shop.handle(
    'order.placed',
    'ship',
    ({ data: { n } }, { attempt }) => {
      begun.push(`${n}, attempt ${attempt}`);
      if (n === 1 && attempt === 1) throw new Error('busy');
    },
    { backoff: () => 10_000 },
  );
  await world.settle();
  await shop.publish('order.placed', { n: 1 });
  await world.settle();
  world.setClock(world.now() - 3_600_000);
  await shop.publish('order.placed', { n: 2 });
  await world.advance(10_000);
  expect(begun.toSorted()).toEqual(['1, attempt 1', '1, attempt 2', '2, attempt 1']);
});

test('behind a clock that jumped back, more retries than there is room for all come in time', async () => {
  const { tab, world } = createDevice();
  const shop = await tab({ tasks: { batch: 2, scheduler: 'cooperative' } });
  const again: number[] = [];
  shop.handle(
    'order.placed',
    'ship',
    ({ data: { n } }, { attempt }) => {
      if (attempt === 1) throw new Error('busy');
      again.push(n);
    },
    { backoff: () => 10_000 },
  );
  await world.settle();
  for (let n = 1; n <= 20; n += 1) await shop.publish('order.placed', { n });
  await world.settle();
  world.setClock(world.now() - 3_600_000);
  await shop.publish('order.placed', { n: 21 });
  await world.advance(11_000);
  expect(again.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 21 }, (_, index) => index + 1));
});

test('a retry that is asked for while a step is under way is not overlooked', async () => {
  const { tab, world } = createDevice();
  let slow = false;
  const shop = await tab({
    store: (store) => ({
      ...store,
      async advance(step) {
        const answer = await store.advance(step);
        if (slow) await new Promise<void>((resolve) => void world.after(100, resolve));
        return answer;
      },
    }),
  });
  const begun: number[] = [];
  shop.handle(
    'order.placed',
    'ship',
    ({ data: { n } }) => {
      begun.push(n);
      if (n === 1 && begun.length === 1) throw new Error('busy');
    },
    { maxErrors: 1 },
  );
  await world.settle();
  await shop.publish('order.placed', { n: 1 });
  await world.settle();
  slow = true;
  await shop.publish('order.placed', { n: 2 });
  // It has been claimed and handled; the step that says so is stored, and its answer, from before the retry, is under way.
  await world.advance(150);
  expect(begun).toEqual([1, 2]);
  expect(await shop.tasks.retry({ states: ['dead'] })).toBe(1);
  await world.advance(1000);
  expect(begun).toEqual([1, 2, 1]);
});
