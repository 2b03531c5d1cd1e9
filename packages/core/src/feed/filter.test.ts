// Filters on attributes: in the ring, in the log, on pages and on ephemeral events alike.
import { expect, test } from 'vitest';
import { compileFilter } from './filter.ts';
import { createFeedWorld, eventOf, items, range } from './test/reading.ts';

const wants = (attributes: Parameters<typeof compileFilter>[0]['attributes'], event: object, types: string[] = []) =>
  compileFilter({ types, attributes: attributes ?? [] })?.('todo.added', () => ({ ...event }));

test('an attribute matches one of its values, in which * is any run of characters', () => {
  const tenant = { tenant: 'acme' };
  expect(wants([{ name: 'tenant', values: ['acme'] }], tenant)).toBe(true);
  expect(wants([{ name: 'tenant', values: ['other', 'ac*e'] }], tenant)).toBe(true);
  expect(wants([{ name: 'tenant', values: ['acm'] }], tenant)).toBe(false);
  expect(wants([{ name: 'tenant', values: ['*'] }], {})).toBe(false);
  expect(wants([{ name: 'level', values: ['3'] }], { level: 3 })).toBe(true);
  expect(wants([{ name: 'flag', values: ['true'] }], { flag: true })).toBe(true);
  expect(wants([{ name: 'constructor', values: ['*'] }], {})).toBe(false);
  expect(wants([{ name: 'data', values: ['*'] }], { data: { a: 1 } })).toBe(false);
});

test('without values, what does not have the attribute is let pass', () => {
  expect(wants([{ name: 'mqtttopic', values: [] }], {})).toBe(true);
  expect(wants([{ name: 'mqtttopic', values: [] }], { mqtttopic: 'a' })).toBe(false);
  expect(wants([{ name: 'constructor', values: [] }], {})).toBe(true);
});

test('several attributes and types are all to match', () => {
  const both = [
    { name: 'tenant', values: ['acme'] },
    { name: 'subject', values: ['todo/*'] },
  ];
  expect(wants(both, { tenant: 'acme', subject: 'todo/1' })).toBe(true);
  expect(wants(both, { tenant: 'acme' })).toBe(false);
  expect(wants(both, { tenant: 'acme', subject: 'todo/1' }, ['todo.*'])).toBe(true);
  expect(wants(both, { tenant: 'acme', subject: 'todo/1' }, ['note.*'])).toBe(false);
  expect(compileFilter({ types: [] })).toBeUndefined();
});

test('the longest pattern over the longest value ends at once', () => {
  const values = [`${'a*'.repeat(16)}b`];
  expect(wants([{ name: 'source', values }], { source: 'a'.repeat(100_000) })).toBe(false);
});

test('live, from the log and on pages, a reader gets what its filter lets through, and the rest is counted', async () => {
  const { feed, read, world } = createFeedWorld({ ringBytes: 4000 });
  const tenantOf = (index: number): string => (index % 3 === 0 ? 'acme' : 'other');
  const event = (index: number) => eventOf(String(index), { tenant: tenantOf(index), data: { tenant: 'acme' } });
  const attributes = [{ name: 'tenant', values: ['acme'] }];
  const wanted = (count: number): readonly string[] =>
    range(0, count - 1)
      .filter((index) => index % 3 === 0)
      .map(String);
  const live = await read({ attributes });
  await feed.append(items(...range(0, 299).map(event)));
  expect(await live.ids(100)).toEqual(wanted(300));
  const replayed = await read({ attributes, after: 'earliest' });
  expect(await replayed.ids(100)).toEqual(wanted(300));
  const page = await feed.page({ after: 'earliest', types: [], attributes, limit: 1000, waitMs: 0 });
  expect(page.events.map((json) => (JSON.parse(json) as { id: string }).id)).toEqual(wanted(300));
  await feed.append(items(eventOf('e1', { ephemeral: true, tenant: 'acme' }), eventOf('e2', { ephemeral: true })));
  expect(await live.ids(1)).toEqual(['e1']);
  await world.settle();
  expect(await feed.stat()).toMatchObject({ delivered: 302, filtered: 602, queueDepth: 0 });
});
