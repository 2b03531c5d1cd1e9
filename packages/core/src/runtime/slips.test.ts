// Slips of the pen that types catch and plain JavaScript does not: told at once, by name, and not by silence.
import { expect, test } from 'vitest';
import { defineEvents } from '../event/define.ts';
import { payload } from '../event/schema.ts';
import type { TaskQuery } from '../ports/tasks.ts';
import { createRaiser } from './raiser.ts';
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

test('what is no event, no function or no options is refused by name, and what was handed in before goes on', async () => {
  const { tab, world } = createPlace();
  const alice = await tab('alice', events);
  const receipt = await alice.publish('todo.done', { n: 1 });
  const none = (): undefined => undefined;
  for (const event of [undefined, null]) {
    // What a module that is still being loaded exports.
    // @ts-expect-error an event has a name
    expect(() => alice.on(event, none)).toThrow(expect.objectContaining({ name: 'UnknownEvent' }));
    // @ts-expect-error an event has a name
    expect(() => alice.handle(event, 'h', none)).toThrow(expect.objectContaining({ name: 'UnknownEvent' }));
    // @ts-expect-error an event has a name
    expect(() => alice.events(event)).toThrow(expect.objectContaining({ name: 'UnknownEvent' }));
    // @ts-expect-error an event has a name
    await expect(alice.publish(event, { n: 1 })).rejects.toMatchObject({ name: 'UnknownEvent' });
    // @ts-expect-error an event has a place
    await expect(alice.relayed(event)).rejects.toMatchObject({ name: 'Misused' });
  }
  const refused = { name: 'InvalidOptions', message: expect.stringMatching(/; got /) };
  // Of the last two, a signal's controller and a flag.
  const strange: readonly never[] = [null, 'relay', 5, { signal: new AbortController() }, { signal: true }] as never[];
  for (const options of strange) {
    const throwing = expect.objectContaining(refused);
    expect(() => alice.on('todo.done', none, options)).toThrow(throwing);
    expect(() => alice.handle('todo.done', 'h', none, options)).toThrow(throwing);
    expect(() => alice.events('todo.done', options)).toThrow(throwing);
    expect(() => alice.status.subscribe(none, options)).toThrow(throwing);
    await expect(receipt.relayed(options)).rejects.toMatchObject(refused);
    await expect(alice.relayed(receipt, options)).rejects.toMatchObject(refused);
    await expect(alice.flush(options)).rejects.toMatchObject(refused);
    if (options !== null) await expect(alice.publish('todo.done', { n: 2 }, options)).rejects.toMatchObject(refused);
  }
  // @ts-expect-error a listener is a function
  expect(() => alice.status.subscribe('changed')).toThrow(expect.objectContaining(refused));
  // @ts-expect-error a listener is a function
  expect(() => alice.on('todo.done', none, { onGap: 'tell' })).toThrow(expect.objectContaining(refused));
  // @ts-expect-error a listener is a function
  expect(() => alice.events('todo.done', { onGap: 'tell' })).toThrow(expect.objectContaining(refused));
  await world.advance(1000);
  await receipt.relayed();
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
    ['{ "states": "dead" }', 'got `states`: dead'],
    ['{ "states": ["deda"] }', 'got `states`: deda'],
    // As of a receipt of an ephemeral event.
    ['{ "handler": "count", "position": null }', 'got `position`: null'],
    ['{ "position": 1024 }', 'got a position without its handler'],
    ['{ "handler": 7 }', 'got `handler`: 7'],
    ['{ "type": ["todo.done"] }', 'got `type`: todo.done'],
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
      [new Set(['count']), '[object Set]'],
      // Of those that were chosen by hand there may be none.
      [[], ''],
    ] as const) {
      // @ts-expect-error a query is an object
      await expect(alice.tasks[change](query)).rejects.toMatchObject({
        name: 'InvalidOptions',
        message: `tasks.${change} needs to be told which tasks; got ${got}, and {} is all of them`,
      });
    }
  }
});

test('an event is ephemeral where it is said to be, and by no other word: the relay would not store what the device does', async () => {
  const { tab, world, stored } = createPlace();
  const alice = await tab('alice', events);
  for (const durable of [null, 0, '']) {
    // @ts-expect-error it is a boolean
    expect(await alice.publish('todo.done', { n: 1 }, { durable })).toMatchObject({ position: expect.any(Number) });
  }
  await world.advance(1000);
  expect(await stored()).toHaveLength(3);
});

test('who asks for an event of which the channel or the id is not said is told so, and does not wait for ever', async () => {
  const { tab, world } = createPlace();
  const alice = await tab('alice', events);
  const { id, position, relayed } = await alice.publish('todo.done', { n: 1 });
  // @ts-expect-error what a page has kept of it
  await expect(alice.relayed({ id, position })).rejects.toMatchObject({ name: 'Misused' });
  // @ts-expect-error what a page has kept of it
  await expect(alice.relayed({ channel: 'board', position })).rejects.toMatchObject({ name: 'Misused' });
  await world.advance(1000);
  await relayed();
});

test('a time to shut down in, or a page, that makes no sense is refused, and nothing is shut down', async () => {
  const { tab } = createPlace();
  const alice = await tab('alice', events);
  for (const options of [{ timeoutMs: -1 }, { timeoutMs: Number.NaN }, null]) {
    // @ts-expect-error options are an object
    await expect(alice.tasks.shutdown(options)).rejects.toMatchObject({ name: 'InvalidOptions' });
  }
  expect(alice.tasks.state).toBe('running');
  // @ts-expect-error options are an object
  await expect(alice.tasks.list({}, null)).rejects.toMatchObject({ name: 'InvalidOptions' });
});

test('a raiser of no events, and one that is to publish to no runtime, are refused by name, and what waits goes on waiting', async () => {
  const refused = { name: 'InvalidOptions' };
  // @ts-expect-error what a module that is still being loaded exports
  expect(() => createRaiser(undefined)).toThrow(expect.objectContaining(refused));
  // @ts-expect-error options are an object
  expect(() => createRaiser(events, null)).toThrow(expect.objectContaining(refused));
  const raiser = createRaiser(events);
  raiser.raise('todo.done', { n: 1 });
  // @ts-expect-error a runtime publishes
  await expect(raiser.publishTo(undefined)).rejects.toMatchObject(refused);
  // What was not awaited.
  // @ts-expect-error a runtime publishes
  await expect(raiser.publishTo(createPlace().tab('alice', events))).rejects.toMatchObject(refused);
  expect(await raiser.publishTo(await createPlace().tab('alice', events))).toHaveLength(1);
});
