// News of a network, from whichever tab has them: the one that leads does not wait out what it waited for.
import { expect, onTestFinished, test } from 'vitest';
import { Failure } from '../failure.ts';
import { createMemoryDatabase, openMemoryStore } from '../memory/store.ts';
import { createMemoryDevice } from '../memory/tabs.ts';
import type { Link } from '../ports/link.ts';
import { createTestWorld } from '../testing/world.ts';
import { aborted } from '../timing/wait.ts';
import { createEngine } from './create-engine.ts';
import type { Engine, EngineListener, EngineStatus } from './engine.ts';

/** One device whose network is gone, long enough for the longest backoff. */
async function createOutage() {
  const world = createTestWorld();
  const device = createMemoryDevice();
  const database = createMemoryDatabase();
  let isThere = false;
  let tries = 0;
  const link: Link = {
    push: () => Promise.reject(new Failure('Unreachable', 'as the test says')),
    async *pull(positions, signal) {
      tries += 1;
      if (!isThere) throw new Failure('Unreachable', 'as the test says');
      yield [...positions.keys()].map((channel) => ({
        kind: 'connected' as const,
        channel,
        position: 'e.0000',
        head: 'e.0000',
      }));
      await aborted(signal);
    },
    renew: () => undefined,
  };
  const open = async (): Promise<{ readonly engine: Engine; readonly status: () => EngineStatus | undefined }> => {
    let latest: EngineStatus | undefined;
    const engine = createEngine({
      store: openMemoryStore(database, world),
      storage: 'memory',
      tabs: device.tab(),
      link,
      // Chance is always the longest wait.
      world: { ...world, random: () => 0.999_999 },
      channels: [['board', 'earliest']],
    });
    const listener: EngineListener = {
      deliver: () => false,
      status: (status) => void (latest = status),
      report: () => undefined,
      run: () => undefined,
      drop: () => undefined,
      finish: () => undefined,
      keys: () => [],
      alive: () => undefined,
    };
    await engine.start(listener);
    onTestFinished(() => engine.close());
    return { engine, status: () => latest };
  };
  const leader = await open();
  await world.settle();
  const follower = await open();
  await world.advance(600_000);
  // Just behind a try: the next comes in half a minute.
  let before: number;
  do {
    before = tries;
    await world.advance(100);
  } while (tries === before);
  expect([leader.status()?.role, leader.status()?.connection]).toEqual(['leader', 'offline']);
  isThere = true;
  await world.advance(1000);
  expect(leader.status()?.connection).toBe('offline');
  const isBack = async (): Promise<boolean> => {
    await world.advance(500);
    return leader.status()?.connection === 'online';
  };
  return { leader, follower, isBack };
}

test('the tab that leads, told of a network, is back within a first backoff', async () => {
  const { leader, isBack } = await createOutage();
  await leader.engine.hurry();
  expect(await isBack()).toBe(true);
});

test('a tab that follows passes it on to the one that leads', async () => {
  const { follower, isBack } = await createOutage();
  await follower.engine.hurry();
  expect(await isBack()).toBe(true);
});

test('somebody who looks at a tab of the device, whichever it is, does not wait either', async () => {
  const { follower, isBack } = await createOutage();
  await follower.engine.setVisible(false);
  expect(await isBack()).toBe(false);
  await follower.engine.setVisible(true);
  expect(await isBack()).toBe(true);
});

test('an application that resumes, as once somebody has logged in, does not wait either, and need not have paused', async () => {
  const { follower, isBack } = await createOutage();
  await follower.engine.setPaused(false);
  expect(await isBack()).toBe(true);
});
