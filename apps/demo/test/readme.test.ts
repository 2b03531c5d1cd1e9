// What the README tells newcomers to post appears on the board that they have open.
import { readFileSync } from 'node:fs';
import { validate } from '@godwit/core';
import { expect, test } from 'vitest';
import { events } from '../src/events/index.ts';

test('the event that the README posts by `curl` is one that the board shows', () => {
  const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
  const [, json = ''] = /curl -X POST \S+\/board\/events [\s\S]*?-d '(.*)'/.exec(readme) ?? [];
  const { type, data }: { readonly type: string; readonly data: unknown } = JSON.parse(json);
  const definition = Object.values(events).find(({ name }) => name === type);
  if (definition === undefined) throw new Error(`${type} is not defined`);
  expect(validate(definition.schema, data, type)).toMatchObject({ who: 'curl', what: 'Fly' });
});
