// The worked examples of stored events do what they say (rows 51 and 53 of the capabilities, and schema evolution).
import { entityOf } from '@godwit/core';
import { RehearsalFailed } from '@godwit/core/testing';
import { expect, test } from 'vitest';
import { openTab } from '../examples/in-memory.ts';
import { instancesCreated } from '../examples/instances-created.ts';
import { pricesOfAnOlderRelease } from '../examples/older-release.ts';
import { rehearseShelf, takeAgain, takeOnce } from '../examples/rehearsed-shelf.ts';
import { Order, orderEvents, saveOrder } from '../examples/order-entity.ts';

test('a job tells its owner of all the instances that it made, and of those that it could not make', async () => {
  expect(
    await instancesCreated(['north', 'south', 'west'], async (region) => {
      if (region === 'south') throw new RangeError('no room');
      return `${region}-1`;
    }),
  ).toEqual([
    'alice@example.org: job j1 made north-1, west-1',
    'alice@example.org: none in south: RangeError: no room',
  ]);
});

test('an entity tells what happened to it once it is saved, and nothing of what was not', async () => {
  const runtime = await openTab(orderEvents);
  const heard: string[] = [];
  const paid = new Promise<void>((resolve) => {
    runtime.on('**', (event) => {
      const { name, id } = entityOf(event) ?? {};
      heard.push(`${event.type} of ${name} ${id}`);
      if (event.type === 'order.paid') resolve();
    });
  });
  const order = new Order('7', ['tea']);
  order.pay('card');
  expect(() => order.pay('cash')).toThrow('paid already');
  const disk: string[] = [];
  let tries = 0;
  const save = async ({ id }: Order): Promise<void> => {
    tries += 1;
    if (tries === 1) throw new Error('the database is busy');
    disk.push(id);
  };
  await expect(saveOrder(order, save, runtime)).rejects.toThrow('the database is busy');
  expect(order.events.raised().map(({ type }) => type)).toEqual(['order.placed', 'order.paid']);
  expect(runtime.status.get().counts.published).toBe(0);
  await saveOrder(order, save, runtime);
  await paid;
  expect(disk).toEqual(['7']);
  expect(heard).toEqual(['order.placed of order 7', 'order.paid of order 7']);
  await saveOrder(order, save, runtime);
  expect(runtime.status.get().counts.published).toBe(2);
  await runtime.close();
});

test('what an older release publishes, a newer one lifts, step by step', async () => {
  expect(await pricesOfAnOlderRelease(['9.95', '10'])).toEqual(['A1: 995 cents, EUR', 'A1: 1000 cents, EUR']);
});

test('a handler that counts a sale once holds through a rehearsal, and one that counts it again is caught', async () => {
  expect((await rehearseShelf(takeOnce)).events).toBeGreaterThan(0);
  const caught = rehearseShelf(takeAgain);
  await expect(caught).rejects.toBeInstanceOf(RehearsalFailed);
  await expect(caught).rejects.toThrow(/device\d shows that -?\d+ are left, and it is \d+/);
});
