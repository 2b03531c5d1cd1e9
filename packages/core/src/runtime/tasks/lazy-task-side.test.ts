import { expect, test } from 'vitest';
import { createDevice } from './test/device.ts';
import { lazyTaskSide } from './lazy-task-side.ts';
import { createTaskSide, type MakeTaskSide } from './task-side.ts';

/** A part that comes when the test says so, or fails to. */
function part() {
  const asked: PromiseWithResolvers<MakeTaskSide>[] = [];
  return {
    asked,
    makeTasks: lazyTaskSide(() => {
      const next = Promise.withResolvers<MakeTaskSide>();
      asked.push(next);
      return next.promise;
    }),
    come: (): void => asked.at(-1)?.resolve(createTaskSide),
    fail: (): void => asked.at(-1)?.reject(new TypeError('404')),
  };
}

test('what is published right behind `handle` is handled, though the part that runs it comes later', async () => {
  const { world, tab, reports } = createDevice();
  const { makeTasks, asked, come } = part();
  const alice = await tab({ makeTasks });
  expect(asked).toHaveLength(0);
  const had: number[] = [];
  alice.handle('order.placed', 'ship', ({ data }) => had.push(data.n));
  await alice.publish('order.placed', { n: 1 });
  await world.settle();
  expect(had).toEqual([]);
  come();
  await world.settle();
  expect(had).toEqual([1]);
  await alice.publish('order.placed', { n: 2 });
  await world.settle();
  expect(had).toEqual([1, 2]);
  expect(asked).toHaveLength(1);
  expect((await alice.tasks.handlers()).map(({ name, isHere }) => [name, isHere])).toEqual([['ship', true]]);
  expect(reports).toEqual([]);
});

test('a component that starts twice, as StrictMode has it, handles once; what it stopped is not run', async () => {
  const { world, tab, reports } = createDevice();
  const { makeTasks, come } = part();
  const alice = await tab({ makeTasks });
  const had: string[] = [];
  const strict = new AbortController();
  alice.handle('order.placed', 'ship', () => had.push('first'), { signal: strict.signal });
  strict.abort();
  alice.handle('order.placed', 'ship', () => had.push('second'));
  const stop = alice.handle('order.placed', 'count', () => had.push('never'));
  stop();
  await alice.publish('order.placed', { n: 1 });
  come();
  await world.settle();
  expect(had).toEqual(['second']);
  expect(reports).toEqual([]);
});

test('from plain JavaScript: a controller in place of its signal is refused at once, and harms no other handler', async () => {
  const { world, tab, reports } = createDevice();
  const { makeTasks, come } = part();
  const alice = await tab({ makeTasks });
  const wrong = JSON.parse('{ "signal": { "signal": {} } }');
  expect(() => alice.handle('order.placed', 'wrong', () => undefined, wrong)).toThrow(
    expect.objectContaining({ name: 'InvalidOptions' }),
  );
  const had: number[] = [];
  alice.handle('order.placed', 'ship', ({ data }) => had.push(data.n));
  await alice.publish('order.placed', { n: 1 });
  come();
  await world.settle();
  expect(had).toEqual([1]);
  expect(await alice.tasks.count({})).toBe(0);
  expect(reports).toEqual([]);
});

test('what is wrong with a handler is told at once', async () => {
  const { tab } = createDevice();
  const { makeTasks } = part();
  const alice = await tab({ makeTasks });
  alice.handle('order.placed', 'ship', () => undefined);
  expect(() => alice.handle('order.placed', 'ship', () => undefined)).toThrow(/"ship" already/);
  expect(() => alice.handle('order.placed', '', () => undefined)).toThrow(/a name of 1 to/);
  expect(() => alice.tasks.start()).toThrow(/started twice/);
  expect(alice.tasks.state).toBe('running');
});

test('a part that does not come is asked for again, and meanwhile another tab handles', async () => {
  const { world, tab, reports } = createDevice();
  const { makeTasks, asked, fail, come } = part();
  const [alice, bob] = [await tab({ makeTasks }), await tab()];
  const had: string[] = [];
  alice.handle('order.placed', 'ship', () => had.push('alice'));
  await world.settle();
  fail();
  await world.settle();
  bob.handle('order.placed', 'ship', () => had.push('bob'));
  await alice.publish('order.placed', { n: 1 });
  await world.advance(1000);
  expect(had).toEqual(['bob']);
  expect(asked).toHaveLength(2);
  come();
  await world.settle();
  await bob.close();
  await alice.publish('order.placed', { n: 2 });
  await world.advance(1000);
  expect(had).toEqual(['bob', 'alice']);
  // A warning, for it is tried again; nothing final.
  expect(reports).toEqual([]);
});

test('closing does not wait for a part that never comes', async () => {
  const { world, tab, reports } = createDevice();
  const { makeTasks, fail } = part();
  const alice = await tab({ makeTasks });
  alice.handle('order.placed', 'ship', () => undefined);
  await world.settle();
  fail();
  const closing = alice.close();
  await world.advance(10_000);
  await closing;
  expect(reports).toEqual([]);
});

test('what the engine asks while the runtime closes, before the part is there, is no failure', async () => {
  const { world, tab, reports } = createDevice();
  const { makeTasks, come } = part();
  const alice = await tab({ makeTasks });
  alice.handle('order.placed', 'ship', () => undefined);
  await alice.publish('order.placed', { n: 1 });
  await world.settle();
  const closing = alice.close();
  come();
  await world.advance(10_000);
  await closing;
  expect(reports).toEqual([]);
});
