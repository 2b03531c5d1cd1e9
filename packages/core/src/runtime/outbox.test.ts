import { expect, test } from 'vitest';
import { createOutbox } from './outbox.ts';

const growth = (events: number, bytes: number) => [{ channel: 'board', events, bytes }];

test('an outbox that is full refuses, says how full it is, and has not grown', () => {
  const outbox = createOutbox({ eventsMax: 3, bytesMax: 1000 }, () => undefined);
  outbox.reserve(growth(3, 30));
  expect(() => outbox.reserve(growth(1, 10))).toThrow(
    expect.objectContaining({
      name: 'OutboxFull',
      message: expect.stringContaining('3 events (30 bytes) wait to be sent'),
    }),
  );
  expect(outbox.events).toBe(3);
  outbox.keep(growth(3, 30), 1026);
  outbox.shrink(1, 10);
  outbox.reserve(growth(1, 10));
  expect(() => outbox.reserve(growth(0, 5000))).toThrow(expect.objectContaining({ name: 'OutboxFull' }));
});

test('what another tab added counts, even beyond the limit, and so does what the disk says', () => {
  let changes = 0;
  const outbox = createOutbox({ eventsMax: 2, bytesMax: 1000 }, () => (changes += 1));
  outbox.grow(growth(5, 50), 1024);
  expect(outbox.events).toBe(5);
  outbox.shrink(9, 90);
  expect([outbox.events, outbox.bytes]).toEqual([0, 0]);
  outbox.set({ events: 1, bytes: 10 }, 0);
  outbox.set({ events: 1, bytes: 10 }, 0);
  expect(changes).toBe(3);
});

test('what is only reserved is not said to be stored, and a count of the disk from before it was stored is not gone by', async () => {
  const outbox = createOutbox({ eventsMax: 9, bytesMax: 1000 }, () => undefined);
  outbox.reserve(growth(2, 20));
  expect(outbox.stored).toEqual({ events: 0, bytes: 0 });
  await outbox.recount(async () => {
    outbox.keep(growth(2, 20), 1025);
    return { head: 0, deviceId: 'alice', channels: {} };
  });
  expect([outbox.events, outbox.stored]).toEqual([2, { events: 2, bytes: 20 }]);
});

test('what the disk has counted is not counted again when another tab tells of it', () => {
  const outbox = createOutbox({ eventsMax: 9, bytesMax: 1000 }, () => undefined);
  const channel = { sent: 0, echo: 0, read: undefined, recheckTo: undefined, pendingEvents: 2, pendingBytes: 20 };
  outbox.count({ head: 2048, deviceId: 'alice', channels: { board: channel } });
  outbox.grow(growth(1, 10), 2048);
  expect(outbox.events).toBe(2);
  outbox.grow(growth(1, 10), 3072);
  expect([outbox.events, outbox.bytes]).toEqual([3, 30]);
});

test('what the leader has counted is not counted again: neither what is told of late, nor what was reserved here', () => {
  const outbox = createOutbox({ eventsMax: 9, bytesMax: 1000 }, () => undefined);
  outbox.reserve(growth(1, 10));
  outbox.set({ events: 3, bytes: 30 }, 2048);
  expect(outbox.events).toBe(4);
  outbox.keep(growth(1, 10), 1024);
  outbox.grow(growth(2, 20), 2048);
  expect([outbox.events, outbox.bytes]).toEqual([3, 30]);
  outbox.grow(growth(1, 10), 3072);
  // A leader that knows less takes nothing of that back.
  outbox.set({ events: 4, bytes: 40 }, 1024);
  outbox.grow(growth(2, 20), 2048);
  expect([outbox.events, outbox.counted]).toEqual([4, 2048]);
});

test('events that no relay is to get fill no outbox', () => {
  const outbox = createOutbox({ eventsMax: 0, bytesMax: 0 }, () => undefined);
  expect(() => outbox.reserve([])).not.toThrow();
});

test('what is only reserved counts beside what the disk, or the leader, says, which cannot know of it', () => {
  const outbox = createOutbox({ eventsMax: 9, bytesMax: 1000 }, () => undefined);
  outbox.reserve(growth(2, 20));
  outbox.set({ events: 0, bytes: 0 }, 0);
  expect([outbox.events, outbox.bytes]).toEqual([2, 20]);
  outbox.keep(growth(2, 20), 1025);
  outbox.reserve(growth(1, 10));
  outbox.release(growth(1, 10));
  outbox.set({ events: 2, bytes: 20 }, 0);
  expect([outbox.events, outbox.bytes]).toEqual([2, 20]);
});

test('a count of the disk that something has overtaken is answered, and not gone by', async () => {
  const outbox = createOutbox({ eventsMax: 9, bytesMax: 1000 }, () => undefined);
  const disk = { head: 0, deviceId: 'alice', channels: {} };
  outbox.grow(growth(3, 30), 1024);
  const overtaken = outbox.recount(async () => {
    outbox.grow(growth(1, 10), 1024);
    return disk;
  });
  expect([await overtaken, outbox.events]).toEqual([0, 4]);
  expect([await outbox.recount(async () => disk), outbox.events]).toEqual([0, 0]);
});
