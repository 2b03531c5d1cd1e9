import * as v from 'valibot';
import { expect, test } from 'vitest';
import { defineEvent, type EventDefinition } from './define.ts';
import { readEvent } from './read.ts';
import { payload, type Schema } from './schema.ts';

const TodoAdded = defineEvent('todo.added', {
  version: 3,
  schema: v.object({ title: v.pipe(v.string(), v.trim()), done: v.boolean() }),
  upcast: {
    1: (old) => ({ title: old }),
    2: (old) => ({ ...v.parse(v.object({ title: v.unknown() }), old), done: false }),
  },
});
const TodoDone = defineEvent('todo.done', { schema: payload<{ readonly id: string }>() });
const definitions = new Map<string, EventDefinition<string, unknown, unknown>>([
  [TodoAdded.name, TodoAdded],
  [TodoDone.name, TodoDone],
]);
const read = (data: unknown, dataschemaversion?: unknown, type = 'todo.added') =>
  readEvent(definitions, { type, data, ...(dataschemaversion === undefined ? {} : { dataschemaversion }) });

test.each([
  ['of this version', '3', { title: ' Fly ', done: true }, { title: 'Fly', done: true }],
  ['of the one before', '2', { title: 'Fly' }, { title: 'Fly', done: false }],
  ['of the first', '1', 'Fly', { title: 'Fly', done: false }],
  ['that names none, and is of the first', undefined, 'Fly', { title: 'Fly', done: false }],
  ['that names it as a number', 2, { title: 'Fly' }, { title: 'Fly', done: false }],
])('an event %s is read', (_, version, data, expected) => {
  expect(read(data, version)).toEqual({ kind: 'event', data: expected });
});

test('what the steps have made is validated, and says where it is wrong', () => {
  expect(read(7, '1')).toEqual({
    kind: 'invalid',
    failure: expect.objectContaining({ name: 'InvalidPayload', details: { path: 'title' } }),
  });
});

test('an old payload under the present version is not lifted, but refused', () => {
  expect(read('Fly', '3')).toMatchObject({ kind: 'invalid', failure: { name: 'InvalidPayload' } });
});

test.each([['4'], ['999999999999999'], [4]])(
  'the version %j is newer, and may be read by a later release',
  (version) => {
    expect(read({}, version)).toEqual({
      kind: 'deferred',
      why: 'newer',
      failure: expect.objectContaining({
        name: 'UnknownEvent',
        message: `"todo.added" is of version ${version}, and this release knows version 3`,
      }),
    });
  },
);

test('a definition that names no version knows the first', () => {
  expect(read({ id: '7' }, '1', 'todo.done')).toEqual({ kind: 'event', data: { id: '7' } });
  expect(read({ id: '7' }, '2', 'todo.done')).toMatchObject({ kind: 'deferred', why: 'newer' });
});

test.each(['todo.lost', '__proto__', 'constructor', ''])('the type %j is unknown, whatever its version', (type) => {
  expect(read({}, 'nonsense', type)).toEqual({
    kind: 'deferred',
    why: 'unknown',
    failure: expect.objectContaining({
      name: 'UnknownEvent',
      message: `"${type}" is not among the events of this release`,
    }),
  });
});

test.each([
  [''],
  [' 2'],
  ['2\n'],
  ['0'],
  ['-1'],
  ['+2'],
  ['02'],
  ['1.0'],
  ['1.5'],
  ['1e1'],
  ['0x2'],
  ['v2'],
  ['२'],
  ['Infinity'],
  ['9'.repeat(16)],
  [0],
  [1.5],
  [1e21],
  [true],
  [null],
  [{}],
])('the version %j is none, and the event invalid, saying why', (version) => {
  expect(read({ title: 'Fly', done: true }, version)).toEqual({
    kind: 'invalid',
    failure: expect.objectContaining({
      name: 'InvalidEvent',
      message: `the dataschemaversion of "todo.added" must be a whole number from 1, as "2"; got ${JSON.stringify(version)}`,
    }),
  });
});

test.each([
  ['a step', defineEvent('a', { version: 2, schema: payload(), upcast: { 1: fail } })],
  ['a validator', defineEvent('a', { schema: schemaOf(fail) })],
])('%s that throws makes the event invalid, by name', (_, definition) => {
  expect(readEvent(new Map([['a', definition]]), { type: 'a' })).toEqual({
    kind: 'invalid',
    failure: expect.objectContaining({ name: 'InvalidPayload', message: expect.stringContaining('on fire') }),
  });
});

test('an asynchronous validator is a mistake of the definition, and said to be one', () => {
  const definition = defineEvent('a', { schema: schemaOf(() => Promise.reject(new Error('too late'))) });
  expect(readEvent(new Map([['a', definition]]), { type: 'a' })).toMatchObject({
    kind: 'invalid',
    failure: { name: 'InvalidDefinition' },
  });
});

function fail(): never {
  throw new Error('on fire');
}

function schemaOf(validate: Schema['~standard']['validate']): Schema {
  return { '~standard': { version: 1, vendor: 'test', validate } };
}
