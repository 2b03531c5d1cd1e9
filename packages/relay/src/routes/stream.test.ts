// Many channels on one connection, with a clock that the test moves.
import type { Logs } from '@godwit/core';
import { expect, test } from 'vitest';
import { createTestApp } from './test/app.ts';

test('a connection on which every channel is refused ends behind the refusals', async () => {
  const { open, world } = createTestApp({ refuses: () => true });
  const stream = await open('/v1/events?channel=a&channel=b');
  expect([await stream.next(), await stream.next(), await stream.next()]).toMatchObject([
    { event: 'refused', data: { channel: 'a', name: 'Forbidden' } },
    { event: 'refused', data: { channel: 'b', name: 'Forbidden' } },
    undefined,
  ]);
  await world.advance(0);
  expect(world.timers).toBe(0);
});

test('a connection on which some channels are refused goes on', async () => {
  const { open, publish } = createTestApp({ refuses: (channel) => channel === 'a' });
  const stream = await open('/v1/events?channel=a&channel=b');
  expect(await stream.control('refused')).toMatchObject({ channel: 'a' });
  await stream.control('connected');
  await publish(['b']);
  expect(await stream.ids(1)).toEqual(['1']);
});

test('a relay that goes away says so once for the connection, last and in whole milliseconds', async () => {
  const { open, channels } = createTestApp();
  const stream = await open('/v1/events?channel=a&channel=b&channel=c');
  for (const _ of 'abc') await stream.control('connected');
  channels.drain(() => 1233.4);
  expect([await stream.next(), await stream.next()]).toEqual([
    { event: 'drain', data: { retryAfterMs: 1234 }, isComment: false },
    undefined,
  ]);
});

test('a connection to a relay that is going away is told so once', async () => {
  const { open, channels } = createTestApp();
  channels.drain(() => 0.5);
  const stream = await open('/v1/events?channel=a&channel=b&channel=c');
  expect([await stream.next(), await stream.next()]).toEqual([
    { event: 'drain', data: { retryAfterMs: 1 }, isComment: false },
    undefined,
  ]);
});

test('what channels elsewhere have counted as delivered when the token ends, a reader gets that takes it late', async () => {
  // At the very moment at which the connection looks at the clock itself.
  const { open, publish, channels, world } = createTestApp({ until: (world) => world.now() + 3750 });
  const names = ['a', 'b', 'c'];
  const stream = await open(`/v1/events?${names.map((name) => `channel=${name}`).join('&')}`);
  for (const _ of names) await stream.control('connected');
  await publish(['a', 'b', 'b', 'c', 'c', 'c', 'c', 'c', 'c']);
  await world.advance(3750);
  const stats = await Promise.all(names.map((name) => channels.channel(name).stat()));
  expect(stats).toMatchObject([{ delivered: 1 }, { delivered: 2 }, { delivered: 6, subscribers: 0 }]);
  expect(await stream.ids(9)).toHaveLength(9);
  expect([await stream.next(), await stream.next()]).toMatchObject([{ event: 'drain' }, undefined]);
});

test('a connection of which no channel brings an end has one a moment behind its token’s', async () => {
  // One that never opens.
  const never = new Promise<never>(() => undefined);
  const change = (logs: Logs): Logs => ({ ...logs, open: (channel) => (channel === 'b' ? never : logs.open(channel)) });
  const { open, world } = createTestApp({ until: (world) => world.now() + 1000 }, change);
  const stream = await open('/v1/events?channel=a&channel=b');
  await stream.control('connected');
  await world.advance(15_000);
  expect([await stream.next(), await stream.next()]).toMatchObject([{ event: 'drain' }, undefined]);
});

test('each channel whose events are filtered tells its position, and a reader resumes from it', async () => {
  const { open, publish, world } = createTestApp();
  const stream = await open('/v1/events?channel=a&channel=b&type=todo.*');
  for (const _ of 'ab') await stream.control('connected');
  await publish(['a', 'b', 'b'], 'order.placed');
  await world.advance(15_000);
  const positions = [await stream.control('position'), await stream.control('position')];
  expect(new Set(positions.map(({ channel }) => channel))).toEqual(new Set(['a', 'b']));
  const query = positions.map(({ channel, position }) => `channel=${String(channel)}@${String(position)}`).join('&');
  const resumed = await open(`/v1/events?${query}`);
  for (const _ of 'ab') await resumed.control('connected');
  await publish(['a']);
  expect(await resumed.ids(1)).toEqual(['4']);
});

test.for([
  ['application/json', 406],
  ['text/html, application/cloudevents-batch+json', 406],
  ['text/event-stream;q=0, */*', 406],
  ['*/*', 200],
  ['', 200],
  ['application/json, text/event-stream;q=0.1', 200],
  ['text/*', 200],
] as const)('Accept: %s is answered %i', async ([accept, status]) => {
  const { get } = createTestApp();
  const response = await get('/v1/events?channel=a', { accept });
  expect(response.status).toBe(status);
  if (status === 406) expect(await response.json()).toMatchObject({ name: 'NotAcceptable' });
  else expect(response.headers.get('content-type')).toContain('text/event-stream');
  await response.body?.cancel().catch(() => undefined);
});
