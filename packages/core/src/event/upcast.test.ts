import { expect, test } from 'vitest';
import { defineEvent, defineEvents } from './define.ts';
import { payload } from './schema.ts';
import { lift } from './upcast.ts';

const step = (old: unknown): unknown => old;

test.each([
  [0, {}],
  [-1, {}],
  [1.5, { 1: step }],
  [Number.NaN, {}],
  [Number.POSITIVE_INFINITY, {}],
  [2 ** 60, { 1: step }],
])('the version %d is refused', (version, upcast) => {
  expect(() => defineEvent('todo.added', { version, schema: payload(), upcast })).toThrow(
    expect.objectContaining({
      name: 'InvalidDefinition',
      message: expect.stringContaining(`"todo.added" has version ${version}`),
    }),
  );
});

test.each([
  ['a step missing in the midst', 4, { 1: step, 3: step }],
  ['no step at all', 2, {}],
  ['a step from the version itself', 2, { 1: step, 2: step }],
  ['a step from a later version', 2, { 1: step, 7: step }],
  ['a step from version 0', 2, { 0: step, 1: step }],
  ['a step from a fraction', 2, { 1: step, 1.5: step }],
  ['a step where there is one version only', 1, { 1: step }],
])('%s is refused at definition, and the message lists the steps', (_, version, upcast) => {
  expect(() => defineEvent('todo.added', { version, schema: payload(), upcast })).toThrow(
    expect.objectContaining({
      name: 'InvalidDefinition',
      message: `"todo.added" has version ${version} and upcasts [${Object.keys(upcast).join()}]; a version is whole, and each below has a function`,
    }),
  );
});

test.each([['2'], [null], ['lift'], [{ title: 'Fly' }]])('from plain JavaScript: the step %j is refused', (wrong) => {
  const upcast = { 1: step, 2: step, 3: step };
  Object.assign(upcast, { 2: wrong });
  expect(() => defineEvent('todo.added', { version: 4, schema: payload(), upcast })).toThrow(
    expect.objectContaining({ name: 'InvalidDefinition' }),
  );
});

test('upcasts without a version are refused: the first version has nothing to be lifted from', () => {
  expect(() => defineEvent('todo.added', { schema: payload(), upcast: { 1: step } })).toThrow(
    expect.objectContaining({ name: 'InvalidDefinition' }),
  );
});

test('a definition with versions stands among others', () => {
  const TodoAdded = defineEvent('todo.added', { version: 2, schema: payload<string>(), upcast: { 1: step } });
  const events = defineEvents({ 'todo.added': TodoAdded, 'todo.done': payload<number>() });
  expect(events['todo.added']).toBe(TodoAdded);
  expect(events['todo.done'].version).toBeUndefined();
});

test('a payload is lifted from where it is, through every step, in order', () => {
  const upcast = { 1: (old: unknown) => [old, 2], 2: (old: unknown) => [old, 3], 3: (old: unknown) => [old, 4] };
  expect(lift('a', upcast, 'one', 1, 4)).toEqual([[['one', 2], 3], 4]);
  expect(lift('a', upcast, 'three', 3, 4)).toEqual(['three', 4]);
  expect(lift('a', upcast, 'four', 4, 4)).toBe('four');
});

test('a step that changes what it is given changes a copy', () => {
  const stored = { title: 'Fly', tags: ['a'] };
  const upcast = {
    1: (old: unknown) => {
      Object.assign(Object(old), { done: false }).tags.push('b');
      return old;
    },
  };
  expect(lift('a', upcast, stored, 1, 2)).toEqual({ title: 'Fly', tags: ['a', 'b'], done: false });
  expect(stored).toEqual({ title: 'Fly', tags: ['a'] });
});

test('a step that throws is named, and the later ones do not run', () => {
  const ran: number[] = [];
  const broken = new RangeError('no such colour');
  const upcast = {
    1: (old: unknown) => old,
    2: () => {
      throw broken;
    },
    3: () => ran.push(3),
  };
  expect(() => lift('todo.added', upcast, 'x', 1, 4)).toThrow(
    expect.objectContaining({
      name: 'InvalidPayload',
      message: 'upcast[2] of "todo.added" failed: no such colour',
      cause: broken,
    }),
  );
  expect(ran).toEqual([]);
});

test('an asynchronous step is refused, whatever house its promise is of; a payload may have a `then`', () => {
  const rejecting = {
    // oxlint-disable-next-line unicorn/no-thenable -- what is tested
    then: (_: unknown, rejected?: (reason: unknown) => void) => rejected?.(new Error('too late')),
  };
  expect(() => lift('todo.added', { 1: () => rejecting }, 'Fly', 1, 2)).toThrow(
    expect.objectContaining({ name: 'InvalidPayload', message: expect.stringContaining('it is asynchronous') }),
  );
  // oxlint-disable-next-line unicorn/no-thenable -- as above
  const data = { then: 'rest' };
  expect(lift('todo.added', { 1: () => data }, 'Fly', 1, 2)).toBe(data);
});

test('an asynchronous step is refused, and its own failure later bothers nobody', async () => {
  const upcast = { 1: () => Promise.reject(new Error('too late')) };
  expect(() => lift('todo.added', upcast, 'x', 1, 2)).toThrow(
    expect.objectContaining({
      name: 'InvalidPayload',
      message: 'upcast[1] of "todo.added" failed: it is asynchronous',
    }),
  );
});

test('types: what an old payload holds nobody knows, and steps stand under numbers', () => {
  const schema = payload<{ readonly title: string }>();
  const mistakes = (): void => {
    // @ts-expect-error an old payload is unknown until it has been looked at
    defineEvent('todo.added', { version: 2, schema, upcast: { 1: (old) => ({ title: old.text }) } });
    // @ts-expect-error a step is a function
    defineEvent('todo.added', { version: 2, schema, upcast: { 1: { title: 'Fly' } } });
    // @ts-expect-error a step stands under the version that it takes
    defineEvent('todo.added', { version: 2, schema, upcast: { first: step } });
    // @ts-expect-error a version is a number
    defineEvent('todo.added', { version: '2', schema, upcast: { 1: step } });
  };
  expect(mistakes).toBeTypeOf('function');
});
