// Slips of the pen that types catch and plain JavaScript does not: told at once, by name, and not by silence.
import { expect, test } from 'vitest';
import { defineEvents } from '../event/define.ts';
import { payload } from '../event/schema.ts';
import type { TaskQuery } from '../ports/tasks.ts';
import { createPlace } from './test/place.ts';

const events = defineEvents({ 'todo.done': payload<{ readonly n: number }>() });

test('whoever listens for an event that is not defined here is told so: nobody would ever hear it', async () => {
  const alice = await createPlace().tab('alice', events);
  const unknown = expect.objectContaining({ name: 'UnknownEvent', message: expect.stringContaining('"todo.dnoe"') });
  // @ts-expect-error there is no such event
  expect(() => alice.on('todo.dnoe', () => undefined)).toThrow(unknown);
  // @ts-expect-error there is no such event
  expect(() => alice.handle('todo.dnoe', 'count', () => undefined)).toThrow(unknown);
  // @ts-expect-error there is no such event
  expect(() => alice.events('todo.dnoe')).toThrow(unknown);
  // @ts-expect-error there is no such event
  await expect(alice.publish('todo.dnoe', { n: 1 })).rejects.toEqual(unknown);
  // A pattern may stand for events that a later release defines.
  expect(() => alice.on('todos.*', () => undefined)).not.toThrow();
});

test('an order that there is not is refused, and not taken for another', async () => {
  const alice = await createPlace().tab('alice', events);
  const refused = expect.objectContaining({
    name: 'InvalidOptions',
    message: '`order` is "local" or "relay"; got "relayed"',
  });
  // @ts-expect-error there is no such order
  expect(() => alice.on('todo.done', () => undefined, { order: 'relayed' })).toThrow(refused);
  // @ts-expect-error there is no such order
  expect(() => alice.events('todo.done', { order: 'relayed' })).toThrow(refused);
});

test('a query that says what no query says chooses no task: it would be every one', async () => {
  const alice = await createPlace().tab('alice', events);
  for (const [query, got] of [
    ['{ "state": ["dead"] }', 'got `state`'],
    ['{ "states": "dead" }', 'got the state "dead"'],
    ['{ "states": ["deda"] }', 'got the state "deda"'],
  ] as const) {
    const refused = { name: 'InvalidOptions', message: expect.stringContaining(got) };
    await expect(alice.tasks.discard(JSON.parse(query))).rejects.toMatchObject(refused);
    await expect(alice.tasks.list(JSON.parse(query))).rejects.toMatchObject(refused);
    await expect(alice.tasks.count(JSON.parse(query))).rejects.toMatchObject(refused);
  }
  expect(await alice.tasks.discard({ handler: 'count', states: ['dead'], type: 'todo.done' })).toBe(0);
});

test('an option that is undefined is one that was not said, as where it comes from an application that may not have it', async () => {
  const not = undefined;
  const { tab, world } = createPlace();
  const alice = await tab('alice', events);
  const heard: string[] = [];
  alice.on('todo.done', () => heard.push('heard'), { order: not, channel: not, onGap: not, signal: not });
  const handling = { maxErrors: not, backoff: not, timeoutMs: not, concurrency: not, key: not, from: not, order: not };
  alice.handle('todo.done', 'count', () => heard.push('handled'), {
    ...handling,
    priority: not,
    channel: not,
    signal: not,
  });
  await world.settle();
  const remarks = { subject: not, entity: not, correlationId: not, causationId: not, traceparent: not };
  const receipt = await alice.publish('todo.done', { n: 1 }, { ...remarks, channel: not, durable: not });
  await world.advance(1000);
  await receipt.relayed({ signal: not });
  for await (const _ of alice.events('todo.done', { after: not, live: false, order: not, channel: not, signal: not })) {
    heard.push('read');
  }
  expect(heard.toSorted()).toEqual(['handled', 'heard', 'read']);
});

test('what is retried, discarded or cancelled is never chosen by a word that is undefined: it would be every task', async () => {
  const alice = await createPlace().tab('alice', events);
  // What a variable held that was not set; without `exactOptionalPropertyTypes` no type tells it from a word that is left out.
  const chosen: readonly TaskQuery[] = [
    // @ts-expect-error a handler has a name
    { states: ['dead'], handler: undefined },
    // @ts-expect-error states are a list
    { handler: 'count', states: undefined },
    // @ts-expect-error a type has a name
    { handler: 'count', type: undefined },
    // @ts-expect-error a position is a number
    { handler: 'count', position: undefined },
  ];
  for (const query of chosen) {
    const [word] = Object.entries(query).find(([, value]) => value === undefined) ?? [];
    for (const change of ['retry', 'discard', 'cancel'] as const) {
      await expect(alice.tasks[change](query)).rejects.toMatchObject({
        name: 'InvalidOptions',
        message: `tasks.${change} was told that \`${word}\` is undefined, which would choose whatever it is; leave it out if that is meant`,
      });
    }
    // Who only looks asks for all that is not said, as with every other option.
    expect(await alice.tasks.list(query)).toEqual({ tasks: [], next: null });
    expect(await alice.tasks.count(query)).toBe(0);
  }
  expect(await alice.tasks.discard({})).toBe(0);
});

test('what is retried, discarded or cancelled is said: nothing is not all', async () => {
  const alice = await createPlace().tab('alice', events);
  for (const change of ['retry', 'discard', 'cancel'] as const) {
    for (const [query, got] of [
      [undefined, 'undefined'],
      [null, 'null'],
      ['count', 'count'],
    ] as const) {
      // @ts-expect-error a query is an object
      await expect(alice.tasks[change](query)).rejects.toMatchObject({
        name: 'InvalidOptions',
        message: `tasks.${change} needs to be told which tasks; got ${got}, and {} is all of them`,
      });
    }
  }
});
