// A leader that slept lets go and stands again, behind the others.
import { expect, onTestFinished, test } from 'vitest';
import type { Failure } from '../failure.ts';
import { createMemoryDevice } from '../memory/tabs.ts';
import { createTestWorld, type TestWorld } from '../testing/world.ts';
import { aborted } from '../timing/wait.ts';
import { jumpMsMax, tickMs } from './clock.ts';
import { standForElection } from './election.ts';

test("a leader whose clock jumped lets go, and another of the device's tabs leads", async () => {
  const { alice, bob, log } = await candidates();
  expect(log).toEqual(['alice leads']);
  alice.setClock(alice.now() + jumpMsMax + 1);
  await alice.advance(tickMs);
  await bob.settle();
  expect(log).toEqual(['alice leads', 'alice ends', 'bob leads']);
});

test('a leader whose clock jumped back stands again, and leads again when the other lets go', async () => {
  const { alice, bob, log } = await candidates();
  alice.setClock(alice.now() - jumpMsMax - 1);
  await alice.advance(tickMs);
  bob.setClock(bob.now() + 3_600_000);
  await bob.advance(tickMs);
  await alice.settle();
  expect(log).toEqual(['alice leads', 'alice ends', 'bob leads', 'bob ends', 'alice leads']);
});

test('a lone leader whose clock jumped leads again at once', async () => {
  const { alice, log } = await candidates(['alice']);
  alice.setClock(alice.now() + 3_600_000);
  await alice.advance(tickMs);
  expect(log).toEqual(['alice leads', 'alice ends', 'alice leads']);
});

test('a leader that is only late, or whose clock is set a little, goes on', async () => {
  const { alice, log } = await candidates();
  for (const off of [jumpMsMax, -jumpMsMax, 500]) {
    alice.setClock(alice.now() + off);
    await alice.advance(tickMs);
  }
  await alice.advance(3_600_000);
  expect(log).toEqual(['alice leads']);
});

test('a leader that does not stop when its clock jumped holds nobody up', async () => {
  const device = createMemoryDevice();
  const [alice, bob] = [createTestWorld(), createTestWorld()];
  const log: string[] = [];
  const deaf = Promise.withResolvers<void>();
  const ends = [
    stand(device, alice, async () => {
      log.push('alice leads');
      await deaf.promise;
    }),
    stand(device, bob, async (signal) => {
      log.push('bob leads');
      await aborted(signal);
    }),
  ];
  onTestFinished(async () => {
    deaf.resolve();
    for (const end of ends) await end();
  });
  await alice.settle();
  alice.setClock(alice.now() + 3_600_000);
  await alice.advance(tickMs);
  expect(log).toEqual(['alice leads', 'bob leads']);
});

test('whoever follows, or has ended, watches no clock', async () => {
  const { alice, bob, close } = await candidates();
  expect([alice.timers, bob.timers]).toEqual([1, 0]);
  await close();
  expect([alice.timers, bob.timers]).toEqual([0, 0]);
});

type Name = 'alice' | 'bob';

/** Tabs of one device, each with its own clock; the first leads. */
async function candidates(names: readonly Name[] = ['alice', 'bob']): Promise<{
  readonly alice: TestWorld;
  readonly bob: TestWorld;
  readonly log: readonly string[];
  readonly close: () => Promise<void>;
}> {
  const device = createMemoryDevice();
  const worlds = { alice: createTestWorld(), bob: createTestWorld() };
  const log: string[] = [];
  const ends = names.map((name) =>
    stand(device, worlds[name], async (signal) => {
      log.push(`${name} leads`);
      await aborted(signal);
      log.push(`${name} ends`);
    }),
  );
  const close = async (): Promise<void> => {
    for (const end of ends) await end();
  };
  onTestFinished(close);
  await worlds.alice.settle();
  return { ...worlds, log, close };
}

/** Stands for election in a new tab; what it returns ends that. */
function stand(
  device: ReturnType<typeof createMemoryDevice>,
  world: TestWorld,
  lead: (signal: AbortSignal) => Promise<void>,
): () => Promise<void> {
  const life = new AbortController();
  const failures: Failure[] = [];
  const standing = standForElection({
    tabs: device.tab(),
    world,
    lead,
    report: (failure) => failures.push(failure),
    signal: life.signal,
  });
  return async () => {
    life.abort();
    await standing.ended;
    expect(failures).toEqual([]);
  };
}
