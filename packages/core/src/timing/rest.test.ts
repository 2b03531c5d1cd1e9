import { expect, test } from 'vitest';
import { createTestWorld } from '../testing/world.ts';
import { createRest } from './rest.ts';

/** A world whose chance is always the longest wait. */
function setUp() {
  const test = createTestWorld();
  const world = { ...test, random: () => 0.999_999 };
  const rest = createRest(world, { baseMs: 500, capMs: 30_000 });
  const { signal } = new AbortController();
  const run = (wait: Promise<void>) => {
    const state = { isOver: false };
    void wait.then(() => (state.isOver = true));
    return state;
  };
  /** Seven failures: the next wait is half a minute. */
  const fail = async () => {
    for (let failure = 0; failure < 7; failure += 1) {
      const wait = rest.wait(signal);
      await test.advance(30_000);
      await wait;
    }
  };
  return { advance: test.advance, timers: () => test.timers, rest, signal, run, fail };
}

test('a wait behind many failures ends within a first backoff of news, with its jitter, and no sooner for more news', async () => {
  const { advance, timers, rest, signal, run, fail } = setUp();
  await fail();
  const wait = run(rest.wait(signal));
  await advance(1000);
  expect(wait.isOver).toBe(false);
  rest.hurry();
  await advance(300);
  rest.hurry();
  await advance(199);
  expect(wait.isOver).toBe(false);
  await advance(1);
  expect(wait.isOver).toBe(true);
  expect(timers()).toBe(0);
});

test('news does not prolong a wait that is shorter', async () => {
  const { advance, rest, signal, run } = setUp();
  const wait = run(rest.wait(signal));
  await advance(400);
  rest.hurry();
  await advance(100);
  expect(wait.isOver).toBe(true);
});

test('behind news failures count from the first on', async () => {
  const { advance, rest, signal, run, fail } = setUp();
  await fail();
  rest.hurry();
  const wait = run(rest.wait(signal));
  await advance(500);
  expect(wait.isOver).toBe(true);
});

test('what the other side asked for is waited out whatever the news; what comes behind it is a first backoff', async () => {
  const { advance, rest, signal, run, fail } = setUp();
  await fail();
  const wait = run(rest.wait(signal, 10_000));
  await advance(5000);
  rest.hurry();
  rest.end();
  await advance(5000);
  expect(wait.isOver).toBe(false);
  await advance(500);
  expect(wait.isOver).toBe(true);
});

test('a way that is there ends the wait at once; an abort ends it, and leaves no timer', async () => {
  const { advance, timers, rest, run } = setUp();
  const leaving = new AbortController();
  const first = run(rest.wait(leaving.signal));
  rest.end();
  await advance(0);
  expect(first.isOver).toBe(true);
  const second = run(rest.wait(leaving.signal, 1000));
  leaving.abort();
  await advance(0);
  expect(second.isOver).toBe(true);
  expect(timers()).toBe(0);
});
