// Retention where nobody comes by, with a clock that the test moves.
import { expect, test } from 'vitest';
import { createAlarm } from './alarm.ts';
import { createRetentionSleeper } from './retention-alarm.ts';
import { newObject, openLogs, rethrow } from './testing/objects.ts';
import { eventOf } from './testing/storage.ts';

const dayMs = 24 * 60 * 60 * 1000;
const limits = { retentionMs: 7 * dayMs, retentionBytes: 1_000_000, retentionEvents: 1000 };

test('an alarm drops what is out of date, comes back while something is held, and then rests', async () => {
  const { inside } = newObject();
  await inside(async (storage) => {
    const begin = Date.now();
    let now = begin;
    const world = { now: () => now, id: () => crypto.randomUUID() };
    const logs = openLogs(storage, { world });
    const log = await logs.open('room');
    const retention = createRetentionSleeper({ logs, world, limitsOf: () => limits });
    const alarm = createAlarm({ storage, world, sleepers: [retention], report: rethrow });
    const ring = async (): Promise<number | null> => {
      // As the platform does before it calls.
      await storage.deleteAlarm();
      await alarm.ring();
      return await storage.getAlarm();
    };

    await log.append([eventOf('a')], 0);
    await alarm.by(retention.dueMs('room'));
    expect(await storage.getAlarm()).toBe(begin + 7 * dayMs);
    now += 5 * dayMs;
    await log.append([eventOf('b')], 0);
    await alarm.by(retention.dueMs('room'));
    expect(await storage.getAlarm()).toBe(begin + 7 * dayMs);

    now = begin + 7 * dayMs + 1;
    expect(await ring()).toBe(now + dayMs);
    expect(await log.stat()).toMatchObject({ head: 2, tail: 2 });
    now = begin + 13 * dayMs;
    expect(await ring()).toBeNull();
    expect(await log.stat()).toMatchObject({ head: 2, tail: 3, bytes: 0, published: 2 });
    expect(await log.append([eventOf('a')], 0)).toEqual([{ status: 'appended', sequence: 3 }]);
    await alarm.by(retention.dueMs('room'));
    expect(await storage.getAlarm()).toBe(now + 7 * dayMs);
  });
});

test('an alarm of an object that holds nothing is let go', async () => {
  const { inside } = newObject();
  await inside(async (storage) => {
    const world = { now: () => Date.now() };
    const retention = createRetentionSleeper({ logs: openLogs(storage), world, limitsOf: () => limits });
    const alarm = createAlarm({ storage, world, sleepers: [retention], report: rethrow });
    await alarm.ring();
    expect(await storage.getAlarm()).toBeNull();
  });
});
