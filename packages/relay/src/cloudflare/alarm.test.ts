// Retention where nobody comes by, with a clock that the test moves.
import { expect, test } from 'vitest';
import { createAlarm } from './alarm.ts';
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
    const alarm = createAlarm({ storage, logs, world, limitsOf: () => limits, report: rethrow });
    const ring = async (): Promise<number | null> => {
      // As the platform does before it calls.
      await storage.deleteAlarm();
      await alarm.ring();
      return await storage.getAlarm();
    };

    await log.append([eventOf('a')], 0);
    await alarm.arm('room');
    expect(await storage.getAlarm()).toBe(begin + 7 * dayMs);
    now += 5 * dayMs;
    await log.append([eventOf('b')], 0);
    await alarm.arm('room');
    expect(await storage.getAlarm()).toBe(begin + 7 * dayMs);

    now = begin + 7 * dayMs + 1;
    expect(await ring()).toBe(now + dayMs);
    expect(await log.stat()).toMatchObject({ head: 2, tail: 2 });
    now = begin + 13 * dayMs;
    expect(await ring()).toBeNull();
    expect(await log.stat()).toMatchObject({ head: 2, tail: 3, bytes: 0, published: 2 });
    expect(await log.append([eventOf('a')], 0)).toEqual([{ status: 'appended', sequence: 3 }]);
    await alarm.arm('room');
    expect(await storage.getAlarm()).toBe(now + 7 * dayMs);
  });
});

test('an alarm that cannot be set is reported, fails no append, and is tried again', async () => {
  const { inside } = newObject();
  await inside(async (storage) => {
    const reported: unknown[] = [];
    let tries = 0;
    const failing = {
      getAlarm: () => storage.getAlarm(),
      setAlarm: () => Promise.reject(new Error(`no alarm ${(tries += 1)}`)),
    };
    const world = { now: () => Date.now() };
    const report = (error: unknown): number => reported.push(error);
    const alarm = createAlarm({ storage: failing, logs: openLogs(storage), world, limitsOf: () => limits, report });
    await alarm.arm('room');
    await alarm.arm('room');
    expect(reported).toEqual([new Error('no alarm 1'), new Error('no alarm 2')]);
  });
});

test('an alarm of an object that holds nothing is let go', async () => {
  const { inside } = newObject();
  await inside(async (storage) => {
    const world = { now: () => Date.now() };
    const alarm = createAlarm({ storage, logs: openLogs(storage), world, limitsOf: () => limits, report: rethrow });
    await alarm.ring();
    expect(await storage.getAlarm()).toBeNull();
  });
});
