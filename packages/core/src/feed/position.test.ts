// Where a filter passes events by, its reader learns how far: or it would be told of a gap that never was.
import { expect, test } from 'vitest';
import { createFeedWorld, eventOf, items, range } from './test/reading.ts';

const hidden = (id: string): ReturnType<typeof items> => items(eventOf(id, { type: 'order.placed' }));

test('a stream that is one of several tells the position that a filter has moved it to, and is silent otherwise', async () => {
  const { feed, read, world } = createFeedWorld({ heartbeatMs: 1000 });
  const reader = await read({ types: ['todo.*'], heartbeat: false });
  await world.advance(5000);
  const [result] = await feed.append(hidden('1'));
  const position = result?.status === 'appended' ? result.offset : '';
  await world.advance(1000);
  // Its `id:` would be the connection's, which has none.
  expect(await reader.next()).toEqual({ id: undefined, frame: { kind: 'position', channel: 'room:1', position } });
  await world.advance(5000);
  await feed.append(items(eventOf('2')));
  expect(await reader.ids(1)).toEqual(['2']);
});

test('a reader whose every event is filtered resumes without a gap after the log was trimmed', async () => {
  const { feed, read, world, logs } = createFeedWorld({ heartbeatMs: 1000 });
  const reader = await read({ types: ['todo.*'], heartbeat: false });
  for (const id of range(1, 50)) await feed.append(hidden(String(id)));
  await world.advance(1000);
  const { frame } = await reader.next();
  await reader.cancel();
  await (await logs.open('room:1')).trim({ before: 0, bytesMax: 0 });
  const again = await read({ after: frame.kind === 'position' ? frame.position : '', types: ['todo.*'] });
  await feed.append(items(eventOf('next')));
  expect(await again.ids(1)).toEqual(['next']);
});

test('ephemeral events, which have no place, do not hold the position back', async () => {
  const { feed, read, world } = createFeedWorld({ heartbeatMs: 1000 });
  for (const heartbeat of [true, false]) {
    const reader = await read({ types: ['todo.*'], heartbeat });
    const [result] = await feed.append(hidden(`hidden ${heartbeat}`));
    const position = result?.status === 'appended' ? result.offset : '';
    for (const id of range(1, 4)) {
      await feed.append(items(eventOf(`e${id}`, { ephemeral: true })));
      await world.advance(250);
    }
    expect(await reader.ids(4)).toEqual(['e1', 'e2', 'e3', 'e4']);
    const { id, frame } = await reader.next();
    expect(frame.kind === 'position' ? frame.position : id).toBe(position);
    await reader.cancel();
  }
});

test('a reader without a filter is never told of positions: its events do', async () => {
  const { feed, read, world } = createFeedWorld({ heartbeatMs: 1000 });
  const reader = await read({ heartbeat: false });
  await feed.append(items(eventOf('1'), eventOf('2')));
  await world.advance(10_000);
  await feed.append(items(eventOf('3')));
  expect(await reader.ids(3)).toEqual(['1', '2', '3']);
});
