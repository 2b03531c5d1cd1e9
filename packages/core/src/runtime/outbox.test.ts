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
  outbox.shrink(1, 10);
  outbox.reserve(growth(1, 10));
  expect(() => outbox.reserve(growth(0, 5000))).toThrow(expect.objectContaining({ name: 'OutboxFull' }));
});

test('what another tab added counts, even beyond the limit, and so does what the disk says', () => {
  let changes = 0;
  const outbox = createOutbox({ eventsMax: 2, bytesMax: 1000 }, () => (changes += 1));
  outbox.grow(growth(5, 50));
  expect(outbox.events).toBe(5);
  outbox.release(growth(1, 10));
  outbox.shrink(9, 90);
  expect([outbox.events, outbox.bytes]).toEqual([0, 0]);
  outbox.set(1, 10);
  outbox.set(1, 10);
  expect(changes).toBe(4);
});

test('events that no relay is to get fill no outbox', () => {
  const outbox = createOutbox({ eventsMax: 0, bytesMax: 0 }, () => undefined);
  expect(() => outbox.reserve([])).not.toThrow();
});
