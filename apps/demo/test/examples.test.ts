import { validate } from '@godwit/core';
import { expect, test } from 'vitest';
import { pickExamples } from '../build/examples.ts';
import { events } from '../src/events/index.ts';

const examples = pickExamples();

/** What the page carries of GitHub's five megabytes. */
const bytesMax = 40_000;

test('every example is an event that the board knows, and tells as a sentence', () => {
  for (const { type, data } of examples) {
    const definition = Object.values(events).find(({ name }) => name === type);
    if (definition === undefined) throw new Error(`${type} is not defined`);
    const telling = validate(definition.schema, data, type);
    expect(telling.who, type).not.toBe('');
    expect(telling.did, type).toMatch(/^[a-z]/);
    expect(telling.did, type).not.toMatch(/_|undefined|\[object/);
    expect(telling.where, type).toMatch(/^\S+\/\S+$/);
  }
});

test('every event of GitHub’s that the board knows has an example', () => {
  const types = new Set(examples.map(({ type }) => type));
  const missing = Object.keys(events).filter((name) => name.startsWith('github.') && !types.has(name));
  expect(missing).toEqual([]);
});

test('an example names its repository as its source, and repeats no other', () => {
  expect(examples.every(({ source }) => /^https:\/\/github\.com\/[^/]+\/[^/]+$/.test(source))).toBe(true);
  expect(new Set(examples.map((example) => JSON.stringify(example))).size).toBe(examples.length);
});

test('what the board does not show stays out of the page', () => {
  const json = JSON.stringify(examples);
  expect(json.length).toBeLessThan(bytesMax);
  expect(json).not.toMatch(/avatar_url|node_id|api\.github\.com/);
});
