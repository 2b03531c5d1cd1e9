// A leader that froze or hangs says nothing: a tab that somebody looks at takes the lead, and nobody robs for ever.
import { expect, onTestFinished, test } from 'vitest';
import { createMemoryDevice } from '../memory/tabs.ts';
import type { TabMessage, Tabs } from '../ports/tabs.ts';
import { createTestWorld, type TestWorld } from '../testing/world.ts';
import { aborted } from '../timing/wait.ts';
import { standForElection, type Election } from './election.ts';
import { askMs, unansweredMax } from './heartbeat.ts';

/** Behind which a leader that has just answered is robbed, when it says no more. */
const silentMs = askMs * (unansweredMax + 1);

test('a visible follower takes the lead from a leader that says nothing any more', async () => {
  const { alice, bob, log, pass } = await candidates();
  bob.election.setVisible(true);
  await pass(60_000);
  expect(log).toEqual(['alice leads']);
  alice.isFrozen = true;
  await pass(silentMs);
  expect(log).toEqual(['alice leads', 'alice ends', 'bob leads']);
  expect(bob.election.term).toBeGreaterThan(alice.election.term);
});

test('a hidden follower waits for a silent leader, and sets no timer', async () => {
  const { alice, bob, log, pass } = await candidates();
  alice.isFrozen = true;
  await pass(60_000);
  expect(log).toEqual(['alice leads']);
  expect(bob.world.timers).toBe(0);
});

test('whoever is looked at asks only while it follows, and whoever is not asks no more', async () => {
  const { alice, bob, pass } = await candidates();
  for (const { election } of [alice, bob]) election.setVisible(true);
  // A leader has nobody to ask: what it keeps is the watch of its clock.
  expect([alice.world.timers, bob.world.timers]).toEqual([1, 1]);
  bob.election.setVisible(false);
  expect(bob.world.timers).toBe(0);
  bob.said.length = 0;
  await pass(60_000);
  expect(bob.said).toEqual([]);
});

test('where the platform has no locks nobody asks, and nobody is robbed', async () => {
  const { alice, log, pass } = await candidates({ exclusive: false });
  alice.election.setVisible(true);
  await pass(60_000);
  expect([alice.world.timers, log]).toEqual([1, ['alice leads']]);
});

test('a leader that misses two questions is not robbed', async () => {
  const { alice, bob, log, pass } = await candidates();
  bob.election.setVisible(true);
  for (let round = 0; round < 10; round += 1) {
    alice.isFrozen = true;
    await pass(askMs * (unansweredMax - 1));
    alice.isFrozen = false;
    await pass(askMs);
  }
  expect(log).toEqual(['alice leads']);
});

test('a follower that was frozen itself counts one question, however long that was', async () => {
  const { alice, bob, log, pass } = await candidates();
  bob.election.setVisible(true);
  await pass(askMs);
  // Its timers stand still while its clock goes on.
  bob.world.setClock(bob.world.now() + 3_600_000);
  await pass(askMs);
  expect(log).toEqual(['alice leads']);
  alice.isFrozen = true;
  await pass(silentMs);
  expect(log.at(-1)).toBe('bob leads');
});

test('a leader that was robbed and thaws answers nobody, and follows', async () => {
  const { alice, bob, log, pass } = await candidates();
  bob.election.setVisible(true);
  alice.isFrozen = true;
  await pass(silentMs);
  alice.isFrozen = false;
  const itsTerm = bob.election.term;
  alice.hear({ kind: 'ask', term: itsTerm });
  await pass(60_000);
  expect(alice.said).not.toContainEqual({ kind: 'here', term: itsTerm });
  expect(log).toEqual(['alice leads', 'alice ends', 'bob leads']);
});

test('whoever is robbed says its term, which its thief may never have heard of; whoever lets go says nothing', async () => {
  const tabs = createMemoryDevice().tab();
  const said: TabMessage[] = [];
  const world = createTestWorld();
  const life = new AbortController();
  const thefts = [new AbortController(), new AbortController()];
  let leads = 0;
  const election = standForElection({
    tabs: {
      ...tabs,
      announce: (message) => said.push(message),
      lead: async (callback, signal) => {
        const theft = thefts[leads];
        leads += 1;
        if (theft === undefined) await aborted(signal);
        else await callback(AbortSignal.any([signal, theft.signal]));
      },
    },
    world,
    lead: (held) => aborted(held),
    report: () => undefined,
    signal: life.signal,
  });
  const { term } = election;
  thefts[0]?.abort();
  await world.settle();
  expect(said).toEqual([{ kind: 'ask', term }]);
  // It leads again, and its clock jumps.
  world.setClock(world.now() + 3_600_000);
  await world.advance(60_000);
  expect([leads, said.length]).toEqual([3, 1]);
  life.abort();
  await election.ended;
  expect(said).toHaveLength(1);
});

test('a leader that hears of a higher term lets go, and whoever knows that term leads in a higher one', async () => {
  const { alice, log, pass } = await candidates();
  const higher = alice.election.term + 7;
  alice.hear({ kind: 'ask', term: higher });
  await pass(0);
  // Bob, the next in the queue, has never heard of that term; Alice tells him.
  expect(log).toEqual(['alice leads', 'alice ends', 'bob leads', 'bob ends', 'alice leads']);
  expect(alice.election.term).toBeGreaterThan(higher);
});

test('news of a leader of the past are passed over, and one that begins in the past is told of the present', async () => {
  const { alice, bob } = await candidates();
  const { term } = alice.election;
  const news = { connection: 'online', pending: 0, pendingBytes: 0, paused: false, refused: new Map() } as const;
  expect(bob.hear({ kind: 'leader-news', term, news })).toBe(true);
  expect(bob.hear({ kind: 'leader-news', term: term - 1, news })).toBe(false);
  bob.said.length = 0;
  expect(bob.hear({ kind: 'leader', term: term - 1 })).toBe(false);
  expect(bob.said).toEqual([{ kind: 'ask', term }]);
});

test('a tab that hears nobody steals once, and not again before a leader has answered it', async () => {
  const { alice, bob, log, pass } = await candidates();
  for (const { election } of [alice, bob]) election.setVisible(true);
  bob.isDeaf = true;
  await pass(silentMs);
  expect(log).toEqual(['alice leads', 'alice ends', 'bob leads']);
  // It hears no question either: the other takes back what was its own, and keeps it.
  await pass(silentMs);
  expect(log.slice(3)).toEqual(['bob ends', 'alice leads']);
  await pass(600_000);
  expect(log.slice(5)).toEqual([]);
  bob.isDeaf = false;
  await pass(askMs);
  alice.isFrozen = true;
  await pass(silentMs);
  expect(log.slice(5)).toEqual(['alice ends', 'bob leads']);
});

test('a tab that nobody hears does not rob the others for ever', async () => {
  const { alice, bob, log, pass } = await candidates();
  for (const { election } of [alice, bob]) election.setVisible(true);
  bob.isMute = true;
  await pass(600_000);
  expect(log).toEqual(['alice leads', 'alice ends', 'bob leads', 'bob ends', 'alice leads']);
});

test('whoever ends leaves no timer', async () => {
  const { alice, bob, close } = await candidates();
  for (const { election } of [alice, bob]) election.setVisible(true);
  await close();
  expect([alice.world.timers, bob.world.timers]).toEqual([0, 0]);
});

type Name = 'alice' | 'bob';

/** A tab that stands for election. */
interface Candidate {
  readonly world: TestWorld;
  readonly election: Election;
  readonly said: TabMessage[];
  /** It neither hears nor says anything. */
  isFrozen: boolean;
  isDeaf: boolean;
  isMute: boolean;
  hear(message: TabMessage): boolean;
}

/** Tabs of one device; the first leads. */
async function candidates(change: Partial<Tabs> = {}): Promise<{
  readonly alice: Candidate;
  readonly bob: Candidate;
  readonly log: readonly string[];
  readonly pass: (ms: number) => Promise<void>;
  readonly close: () => Promise<void>;
}> {
  const device = createMemoryDevice();
  const log: string[] = [];
  const life = new AbortController();
  const stand = (name: Name): Candidate => {
    const tabs = device.tab();
    const world = createTestWorld();
    const said: TabMessage[] = [];
    const election = standForElection({
      tabs: {
        ...tabs,
        ...change,
        announce(message) {
          if (candidate.isFrozen || candidate.isMute) return;
          said.push(message);
          tabs.announce(message);
        },
      },
      world,
      async lead(held, term) {
        log.push(`${name} leads`);
        tabs.announce({ kind: 'leader', term });
        await aborted(held);
        log.push(`${name} ends`);
      },
      report: (failure) => log.push(`${name} reports ${failure.name}`),
      signal: life.signal,
    });
    const candidate: Candidate = {
      world,
      election,
      said,
      isFrozen: false,
      isDeaf: false,
      isMute: false,
      hear: (message) => election.hear(message),
    };
    tabs.hear((message) => void (candidate.isFrozen || candidate.isDeaf || election.hear(message)));
    return candidate;
  };
  const [alice, bob] = [stand('alice'), stand('bob')];
  const close = async (): Promise<void> => {
    life.abort();
    await Promise.all([alice.election.ended, bob.election.ended]);
  };
  onTestFinished(close);
  await alice.world.settle();
  return {
    alice,
    bob,
    log,
    close,
    async pass(ms) {
      for (let left = ms; left > 0; left -= askMs / 2) {
        for (const { world, isFrozen } of [alice, bob]) if (!isFrozen) await world.advance(Math.min(left, askMs / 2));
      }
      await alice.world.settle();
    },
  };
}
