import { expect, test } from 'vitest';
import { createTestWorld } from '../testing/world.ts';
import { createBackoff } from './backoff.ts';
import { createBell, pause } from './wait.ts';

test('waits grow with each failure up to the cap, with full jitter, and begin anew after success', () => {
  const backoff = createBackoff({ random: () => 0.999_999 }, { baseMs: 500, capMs: 30_000 });
  expect(Array.from({ length: 9 }, () => backoff.next())).toEqual([
    500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000,
  ]);
  backoff.reset();
  expect(backoff.next()).toBe(500);
  expect(createBackoff({ random: () => 0 }).next()).toBe(0);
});

test('what the other side asked for is the least, and the jitter comes on top', () => {
  const backoff = createBackoff({ random: () => 0.5 }, { baseMs: 500, capMs: 30_000 });
  expect(backoff.next(2000)).toBe(2250);
});

test('the wait stays a number after ten thousand failures', () => {
  const backoff = createBackoff({ random: () => 0.5 });
  for (let failure = 0; failure < 10_000; failure += 1) backoff.next();
  expect(backoff.next()).toBe(15_000);
});

test('a pause ends with its time or its signal, and leaves no timer', async () => {
  const world = createTestWorld();
  const { signal } = new AbortController();
  let ended = false;
  void pause(world, 100, signal).then(() => (ended = true));
  await world.advance(99);
  expect(ended).toBe(false);
  await world.advance(1);
  expect(ended).toBe(true);

  const stop = new AbortController();
  const cut = pause(world, 100, stop.signal);
  stop.abort();
  await cut;
  await pause(world, 100, stop.signal);
  expect(world.timers).toBe(0);
});

test('a bell wakes whoever waits, remembers one ring, and hears the signal', async () => {
  const bell = createBell();
  const stop = new AbortController();
  bell.ring();
  bell.ring();
  await bell.wait(stop.signal);
  let woken = false;
  const waiting = bell.wait(stop.signal).then(() => (woken = true));
  await Promise.resolve();
  expect(woken).toBe(false);
  bell.ring();
  await waiting;
  const aborted = bell.wait(stop.signal);
  stop.abort();
  await aborted;
});
