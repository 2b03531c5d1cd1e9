// Releases that know different versions of an event, side by side: on one device, and through one relay.
import { expect, test } from 'vitest';
import { defineEvent, defineEvents } from '../event/define.ts';
import { payload } from '../event/schema.ts';
import type { Failure } from '../failure.ts';
import { gather, untilStatus } from '../testing/waiting.ts';
import { createPlace } from './test/place.ts';

interface Task {
  readonly title: string;
  readonly done: boolean;
}

const first = defineEvents({ 'todo.added': payload<string>() });
const second = defineEvents({
  'todo.added': defineEvent('todo.added', {
    version: 2,
    schema: payload<{ readonly title: string }>(),
    upcast: { 1: (old) => ({ title: old }) },
  }),
});
const third = defineEvents({
  'todo.added': defineEvent('todo.added', {
    version: 3,
    schema: payload<Task>(),
    upcast: { 1: (old) => ({ title: old }), 2: (old) => Object.assign(Object(old), { done: false }) },
  }),
  'todo.archived': payload<{ readonly id: string }>(),
});

test('what older releases published is lifted, step by step, on the same device and on another', async () => {
  const place = createPlace();
  const [oldest, older] = [await place.tab('alice', first), await place.tab('alice', second)];
  const heard = [await place.tab('alice', third), await place.tab('bob', third)].map((tab) => {
    const tasks = gather<Task>();
    tab.on('todo.added', ({ data }) => tasks.add(data));
    return tasks;
  });
  await oldest.publish('todo.added', 'fly');
  await older.publish('todo.added', { title: 'land' });
  for (const tasks of heard) {
    expect(await tasks.until(2)).toEqual([
      { title: 'fly', done: false },
      { title: 'land', done: false },
    ]);
  }
});

test('an event says its version where its definition names one, and the payload is stored as it was published', async () => {
  const place = createPlace();
  const [oldest, newest] = [await place.tab('alice', first), await place.tab('alice', third)];
  const atBob = gather<Task>();
  (await place.tab('bob', third)).on('todo.added', ({ data }) => atBob.add(data));
  await oldest.publish('todo.added', 'fly');
  await newest.publish('todo.added', { title: 'land', done: true });
  await atBob.until(2);
  const [old, recent] = await place.stored();
  expect(old).not.toHaveProperty('dataschemaversion');
  expect(old).toMatchObject({ data: 'fly' });
  expect(recent).toMatchObject({ data: { title: 'land', done: true }, dataschemaversion: '3' });
});

test('a version that this release does not know is counted each time, and told of once', async () => {
  const place = createPlace();
  const told: Failure[] = [];
  const old = await place.tab('alice', second, { report: (failure) => told.push(failure) });
  const recent = await place.tab('bob', third);
  const titles = gather<string>();
  old.on('todo.added', ({ data }) => titles.add(data.title));
  old.on('**', () => undefined);
  for (const title of ['fly', 'soar', 'land']) await recent.publish('todo.added', { title, done: false });
  await place.stranger({ type: 'todo.added', dataschemaversion: '9' });
  await untilStatus(old.status, ({ counts }) => counts.dropped['newer'] === 8);
  expect(told.map(({ name, message }) => [name, message.replace(/[0-9a-f-]{36}/, 'ID')])).toEqual([
    [
      'UnknownEvent',
      'the event ID was not handed over: "todo.added" is of version 3, and this release knows version 2',
    ],
    [
      'UnknownEvent',
      'the event ID was not handed over: "todo.added" is of version 9, and this release knows version 2',
    ],
  ]);
  // It was passed over and nothing stands in the way of what comes behind it.
  await (await place.tab('bob', second)).publish('todo.added', { title: 'rest' });
  expect(await titles.until(1)).toEqual(['rest']);
});

test('a type that this release does not know is counted for each handler that wanted it, and told of once', async () => {
  const place = createPlace();
  const told: Failure[] = [];
  const old = await place.tab('alice', second, { report: (failure) => told.push(failure) });
  const recent = await place.tab('alice', third);
  old.on('**', () => undefined);
  old.on('todo.*', () => undefined);
  for (const id of ['1', '2', '3']) await recent.publish('todo.archived', { id });
  await untilStatus(old.status, ({ counts }) => counts.dropped['unknown'] === 6);
  expect(told).toEqual([
    expect.objectContaining({
      name: 'UnknownEvent',
      message: expect.stringContaining('"todo.archived" is not among the events of this release'),
    }),
  ]);
});

test('however many types a stranger makes up, a hundred are told of, and all are counted', async () => {
  const place = createPlace();
  let told = 0;
  const alice = await place.tab('alice', second, { report: () => (told += 1) });
  alice.on('**', () => undefined);
  for (let n = 0; n < 150; n += 1) await place.stranger({ type: `made.up.${n}` });
  await untilStatus(alice.status, ({ counts }) => counts.dropped['unknown'] === 150);
  expect(told).toBe(100);
});

test('an upcast that throws costs that event alone, which is told of by name, step and id', async () => {
  const place = createPlace();
  const told: Failure[] = [];
  const fragile = defineEvents({
    'todo.added': defineEvent('todo.added', {
      version: 2,
      schema: payload<{ readonly title: string }>(),
      upcast: {
        1: (old) => {
          if (typeof old !== 'string') throw new TypeError('a title was expected');
          return { title: old };
        },
      },
    }),
  });
  const alice = await place.tab('alice', fragile, { report: (failure) => told.push(failure) });
  const titles = gather<string>();
  alice.on('todo.added', ({ data }) => titles.add(data.title));
  await place.stranger({ type: 'todo.added', id: 'bad', data: 7 });
  await place.stranger({ type: 'todo.added', data: 'fly' });
  expect(await titles.until(1)).toEqual(['fly']);
  expect(told).toEqual([
    expect.objectContaining({
      name: 'InvalidPayload',
      message: 'the event bad was not handed over: upcast[1] of "todo.added" failed: a title was expected',
    }),
  ]);
  expect(alice.status.get().counts.dropped).toEqual({ invalid: 1 });
});

test('a version that is no whole number is invalid, each time', async () => {
  const place = createPlace();
  const told: string[] = [];
  const alice = await place.tab('alice', second, { report: ({ name }) => told.push(name) });
  alice.on('todo.added', () => undefined);
  for (const dataschemaversion of ['1.0', 'v2', '']) await place.stranger({ type: 'todo.added', dataschemaversion });
  await untilStatus(alice.status, ({ counts }) => counts.dropped['invalid'] === 3);
  expect(told).toEqual(['InvalidEvent', 'InvalidEvent', 'InvalidEvent']);
});
