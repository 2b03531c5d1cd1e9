// One alarm for all that sleep in an object: it is moved to the earliest time, and to no later one.
import { expect, test } from 'vitest';
import { createAlarm, type Sleeper } from './alarm.ts';
import { newObject, rethrow } from './testing/objects.ts';

const hourMs = 60 * 60 * 1000;

test('an alarm goes off at the earliest time that anybody wants, also one that an earlier life of the object has set', async () => {
  const { inside } = newObject();
  await inside(async (storage) => {
    const now = Date.now();
    const world = { now: () => now };
    const alarm = createAlarm({ storage, world, sleepers: [], report: rethrow });
    await Promise.all([alarm.by(now + 3 * hourMs), alarm.by(now + hourMs), alarm.by(now + 2 * hourMs)]);
    expect(await storage.getAlarm()).toBe(now + hourMs);
    const reborn = createAlarm({ storage, world, sleepers: [], report: rethrow });
    await reborn.by(now + 2 * hourMs);
    expect(await storage.getAlarm()).toBe(now + hourMs);
    await storage.deleteAll();
    reborn.forget();
    await reborn.by(now + 2 * hourMs);
    expect(await storage.getAlarm()).toBe(now + 2 * hourMs);
  });
});

test('who sleeps is woken though another’s waking failed, which is reported and tried again soon', async () => {
  const { inside } = newObject();
  await inside(async (storage) => {
    const now = Date.now();
    const woken: string[] = [];
    const broken: Sleeper = { ring: () => Promise.reject(new Error('no disk')) };
    const whole: Sleeper = {
      async ring() {
        woken.push('whole');
        return now + hourMs;
      },
    };
    const reported: unknown[] = [];
    const report = (error: unknown): number => reported.push(error);
    const alarm = createAlarm({ storage, world: { now: () => now }, sleepers: [broken, whole], report });
    await alarm.ring();
    expect([woken, reported]).toEqual([['whole'], [new Error('no disk')]]);
    expect(await storage.getAlarm()).toBe(now + 60_000);
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
    const alarm = createAlarm({ storage: failing, world, sleepers: [], report });
    await alarm.by(Date.now() + hourMs);
    await alarm.by(Date.now() + hourMs);
    expect(reported).toEqual([new Error('no alarm 1'), new Error('no alarm 2')]);
  });
});
