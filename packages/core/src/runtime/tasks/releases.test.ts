import { expect, test } from 'vitest';
import { defineEvent, defineEvents } from '../../event/define.ts';
import { payload } from '../../event/schema.ts';
import { createDevice, orders } from './test/device.ts';

const first = { 'note.added': defineEvent('note.added', { schema: payload<{ readonly text: string }>() }) };
const second = {
  'note.added': defineEvent('note.added', {
    version: 2,
    schema: payload<{ readonly title: string }>(),
    upcast: { 1: (old) => ({ title: typeof old === 'object' && old !== null && 'text' in old ? old.text : '' }) },
  }),
};

test('an event of an older version is lifted before its durable handler gets it', async () => {
  const device = createDevice();
  const before = await device.open(first);
  await before.runtime.publish('note.added', { text: 'from before' });
  const after = await device.open(second);
  const titles: string[] = [];
  after.runtime.handle('note.added', 'index', ({ data }) => void titles.push(data.title), { from: 'earliest' });
  await device.world.settle();
  await after.runtime.publish('note.added', { title: 'from now' });
  await device.world.settle();
  expect(titles).toEqual(['from before', 'from now']);
});

test('an event of a newer version is deferred, shown, uses no attempt, and is handled once a release knows it', async () => {
  const device = createDevice();
  const newer = await device.open(second);
  const older = await device.open(first);
  const old: string[] = [];
  older.runtime.handle('note.added', 'index', ({ data }) => void old.push(data.text));
  await device.world.settle();
  await newer.runtime.publish('note.added', { title: 'from the future' });
  await device.world.settle();
  expect(old).toEqual([]);
  expect(await older.runtime.tasks.list({ states: ['deferred'] })).toMatchObject({
    tasks: [{ attempts: 0, failure: { message: expect.stringContaining('version 2') } }],
  });
  await older.runtime.close();
  const titles: string[] = [];
  newer.runtime.handle('note.added', 'index', ({ data }, { attempt }) => void titles.push(`${data.title}/${attempt}`));
  await device.world.settle();
  expect(titles).toEqual(['from the future/1']);
  expect(await newer.runtime.tasks.handlers()).toMatchObject([
    { rows: { deferred: 0 }, totals: { passed: 1, handled: 1 } },
  ]);
});

test('whoever waited behind an event of its key goes on, also where an older release took over that knows neither', async () => {
  const device = createDevice();
  const options = { key: () => 'alice', concurrency: 2 };
  const newer = await device.open(second);
  newer.runtime.handle('note.added', 'index', () => new Promise(() => undefined), options);
  await device.world.settle();
  await newer.runtime.publish('note.added', { title: 'one' });
  await newer.runtime.publish('note.added', { title: 'two' });
  await device.world.settle();
  // The one runs, without a row; the other is given back, into a row behind it.
  newer.runtime.tasks.pause();
  await device.world.settle();
  newer.kill();
  const older = await device.open(first);
  older.runtime.handle('note.added', 'index', () => undefined, options);
  await device.world.advance(20_000);
  await older.runtime.close();

  const titles: string[] = [];
  const last = await device.open(second);
  last.runtime.handle('note.added', 'index', ({ data }) => void titles.push(data.title), options);
  await device.world.advance(20_000);
  expect(titles.toSorted()).toEqual(['one', 'two']);
  expect(await last.runtime.tasks.handlers()).toMatchObject([{ rows: { blocked: 0, deferred: 0 } }]);
});

test('what an older release has put aside is handled by a newer one that had the handler before, and has it again', async () => {
  const device = createDevice();
  let disk = Promise.resolve();
  const newer = await device.open(second, {
    store: (store) => ({
      ...store,
      async advance(step) {
        await disk;
        return store.advance(step);
      },
    }),
  });
  const titles: string[] = [];
  newer.runtime.handle('note.added', 'index', ({ data }) => void titles.push(data.title));
  await device.world.settle();
  // Its disk answers nothing for so long that the lease goes to another tab.
  const { promise, resolve } = Promise.withResolvers<void>();
  disk = promise;
  await newer.runtime.publish('note.added', { title: 'from the future' });
  const older = await device.open(first);
  older.runtime.handle('note.added', 'index', () => undefined);
  await device.world.advance(30_000);
  expect(await older.runtime.tasks.count({ states: ['deferred'] })).toBe(1);
  await older.runtime.close();
  resolve();
  await device.world.advance(30_000);
  expect(titles).toEqual(['from the future']);
});

test('an event of a type that this release does not know is deferred for a handler whose pattern matches it', async () => {
  const device = createDevice();
  const later = await device.open(
    defineEvents({
      'order.placed': payload<{ readonly n: number }>(),
      'order.gifted': payload<{ readonly to: string }>(),
    }),
  );
  const now = await device.open(orders);
  const seen: string[] = [];
  now.runtime.handle('order.*', 'audit', ({ type }) => void seen.push(type));
  await device.world.settle();
  await later.runtime.publish('order.gifted', { to: 'bob' });
  await later.runtime.publish('order.placed', { n: 1 });
  await device.world.settle();
  expect(seen).toEqual(['order.placed']);
  await now.runtime.close();
  later.runtime.handle('order.*', 'audit', ({ type }) => void seen.push(type));
  await device.world.settle();
  expect(seen).toEqual(['order.placed', 'order.gifted']);
});

test('a payload that breaks its schema is a dead letter at once: no retry makes it valid', async () => {
  const device = createDevice();
  const loose = await device.open({ 'note.added': defineEvent('note.added', { schema: payload<unknown>() }) });
  const strict = await device.open({
    'note.added': defineEvent('note.added', {
      schema: {
        '~standard': {
          version: 1,
          vendor: 'test',
          validate: (value: unknown) =>
            typeof value === 'string' ? { value } : { issues: [{ message: 'a text is needed' }] },
        },
      },
    }),
  });
  strict.runtime.handle('note.added', 'index', () => undefined);
  await device.world.settle();
  await loose.runtime.publish('note.added', 7);
  await device.world.settle();
  expect(await strict.runtime.tasks.list({ states: ['dead'] })).toMatchObject({
    tasks: [{ failure: { name: 'InvalidPayload', message: expect.stringContaining('a text is needed') } }],
  });
});

test('dead letters and waiting tasks are kept across releases, and those of a handler that is gone are shown as not defined', async () => {
  const device = createDevice();
  const before = await device.tab();
  before.handle(
    'order.placed',
    'old-name',
    ({ data }) => {
      if (data.n === 1) throw new Error('broken');
      return new Promise(() => undefined);
    },
    { maxErrors: 1 },
  );
  await device.world.settle();
  for (const n of [1, 2]) await before.publish('order.placed', { n });
  await device.world.settle();
  const closing = before.close();
  await device.world.advance(10_000);
  await closing;
  const after = await device.tab();
  expect(await after.tasks.handlers()).toMatchObject([
    { name: 'old-name', isDefined: false, isHere: false, rows: { dead: 1 } },
  ]);
  const handled: number[] = [];
  after.handle('order.placed', 'old-name', ({ data }) => void handled.push(data.n));
  await device.world.settle();
  expect(handled).toEqual([2]);
  await after.tasks.retry({ states: ['dead'] });
  await device.world.settle();
  expect(handled).toEqual([2, 1]);
});
