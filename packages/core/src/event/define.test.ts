import * as v from 'valibot';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { defineEvent, defineEvents, type EventInput, type EventOutput } from './define.ts';
import { payload, validate, type Schema } from './schema.ts';

test.each(['', '.', 'a.', '.a', 'a..b', 'a.*', '**'])('the name %j is refused', (name) => {
  expect(() => defineEvent(name, { schema: payload() })).toThrow(
    expect.objectContaining({ name: 'InvalidDefinition' }),
  );
});

test('an event without a name is refused, and the message says what a name is like', () => {
  expect(() => defineEvent('', { schema: payload() })).toThrow(
    expect.objectContaining({
      name: 'InvalidDefinition',
      message: 'a name is like "order.placed": no empty segment and no *; got ""',
    }),
  );
});

test('names in another house’s style are accepted', () => {
  expect(defineEvent('instances_created', { schema: payload() }).name).toBe('instances_created');
});

test('a schema that is no Standard Schema is refused, naming the way out', () => {
  for (const json of ['{}', 'null', '{"~standard":{}}']) {
    const schema = JSON.parse(json);
    expect(() => defineEvent('a.b', { schema })).toThrow(/payload<T>\(\)/);
  }
});

test('what is undefined, as an export of a module that is still being loaded, is refused by the name that it stands under', () => {
  for (const schema of [JSON.parse('null'), undefined]) {
    const refused = expect.objectContaining({
      name: 'InvalidDefinition',
      message: expect.stringContaining('the schema of "todo.added"'),
    });
    expect(() => defineEvents({ 'todo.added': schema })).toThrow(refused);
    expect(() => defineEvent('todo.added', schema)).toThrow(refused);
  }
});

test('events that are no object, as of a module that is still being loaded, or a list of names, are refused by name', () => {
  for (const [events, said] of [
    [undefined, 'events are an object; got undefined'],
    ['todo.added', 'events are an object; got string'],
    [['todo.added'], 'the schema of "0" is no Standard Schema validator'],
  ] as const) {
    const refused = expect.objectContaining({
      name: 'InvalidDefinition',
      message: expect.stringContaining(said),
    });
    // @ts-expect-error schemas have names
    expect(() => defineEvents(events)).toThrow(refused);
  }
});

test('a definition under another name’s key is refused', () => {
  const TodoAdded = defineEvent('todo.added', { schema: payload() });
  expect(() => defineEvents({ 'todo.removed': TodoAdded })).toThrow('stands under the key "todo.removed"');
});

test.each([
  ['zod', z.object({ items: z.array(z.object({ price: z.number() })) })],
  ['valibot', v.object({ items: v.array(v.object({ price: v.number() })) })],
])('what %s refuses is named by its path', (_, schema: Schema<unknown, unknown>) => {
  expect(() => validate(schema, { items: [{ price: 1 }, { price: 'two' }] }, 'order.placed')).toThrow(
    expect.objectContaining({
      name: 'InvalidPayload',
      message: expect.stringContaining('the payload of "order.placed" is refused at `items[1].price`'),
      details: { path: 'items[1].price' },
    }),
  );
});

test('an asynchronous validator is refused', () => {
  const schema: Schema = {
    '~standard': { version: 1, vendor: 'test', validate: () => Promise.reject(new Error('too late')) },
  };
  expect(() => validate(schema, 1, 'a.b')).toThrow(expect.objectContaining({ name: 'InvalidDefinition' }));
});

test('an asynchronous validator is refused, whatever house its promise is of', async () => {
  const rejecting = {
    // oxlint-disable-next-line unicorn/no-thenable -- what is tested
    then: (_: unknown, rejected?: (reason: unknown) => void) => rejected?.(new Error('too late')),
  };
  const foreign: Schema = Object.assign(payload<unknown>(), {
    '~standard': { version: 1, vendor: 'test', validate: () => rejecting },
  });
  expect(() => validate(foreign, 1, 'a.b')).toThrow(
    expect.objectContaining({
      name: 'InvalidDefinition',
      message: 'the validator of "a.b" is asynchronous, and must not be',
    }),
  );
});

test('types: a publisher hands in the input, a handler gets the output', () => {
  const events = defineEvents({
    'todo.added': v.object({
      title: v.string(),
      due: v.pipe(
        v.string(),
        v.transform((text) => new Date(text)),
      ),
    }),
    'todo.done': payload<{ readonly id: string }>(),
  });
  type Events = typeof events;
  const input: EventInput<Events, 'todo.added'> = { title: 'Fly', due: '2026-01-01' };
  const output: EventOutput<Events, 'todo.added'> = { title: 'Fly', due: new Date(0) };
  // @ts-expect-error 'todo.added' needs a title
  const untitled: EventInput<Events, 'todo.added'> = { due: '2026-01-01' };
  // @ts-expect-error the input's date is text
  const early: EventInput<Events, 'todo.added'> = { title: 'Fly', due: new Date(0) };
  // @ts-expect-error there is no such event
  type Missing = EventInput<Events, 'todo.lost'>;
  const none: Missing[] = [];
  expect([input, output, untitled, early, none]).toHaveLength(5);
});
