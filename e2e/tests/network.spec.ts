// What answers in the relay's place, or stands in its way: nothing is lost, doubled or reordered by it.
import { readAll } from '../src/http.ts';
import type { Passed } from '../src/middle.ts';
import { hears, numbers, openTab } from '../src/tab.ts';
import { expect, test } from '../src/test.ts';

const isPost = ({ method }: Passed): boolean => method === 'POST';
const problem = { 'content-type': 'application/problem+json' };

test('a captive portal is no relay: what is published waits, and is sent when the portal has let the device through', async ({
  relay,
  newDevice,
  newMiddle,
}) => {
  const middle = await newMiddle();
  middle.treat(() => ({ status: 200, headers: { 'content-type': 'text/html' }, body: '<html>Please log in' }));
  const alice = await openTab(await newDevice(), middle.url);
  await expect.poll(async () => (await alice.status()).connection).toBe('offline');
  await alice.publish('alice', 0, 10);
  await alice.waiting(10);

  middle.treat(() => 'pass');

  await alice.settled();
  await hears(alice, 'relay', 'alice', numbers(10));
  expect((await alice.status()).counts.dropped).toEqual({});
  expect(await readAll(relay.url, 'notes')).toHaveLength(10);
});

test('a relay that wants another token is waited for, and the status says so', async ({ newDevice, newMiddle }) => {
  const middle = await newMiddle();
  middle.treat(() => ({ status: 401, headers: problem, body: '{"name":"Unauthenticated","detail":"who is it?"}' }));
  const alice = await openTab(await newDevice(), middle.url);
  await expect.poll(async () => (await alice.status()).connection).toBe('needs-auth');
  await alice.publish('alice', 0, 5);

  middle.treat(() => 'pass');

  await alice.settled();
  await hears(alice, 'relay', 'alice', numbers(5));
});

test('a channel that the relay forbids pauses, and the others go on', async ({ relay, newDevice, newMiddle }) => {
  const middle = await newMiddle();
  const forbidden = { status: 403, headers: problem, body: '{"name":"Forbidden","detail":"not this one"}' };
  middle.treat((passed) => (isPost(passed) && passed.path.includes('secret') ? forbidden : 'pass'));
  const device = await newDevice();
  const open = await openTab(device, middle.url);
  const secret = await openTab(device, middle.url, '?channel=secret');

  await secret.publish('alice', 0, 5);
  await open.publish('alice', 0, 5);

  await hears(open, 'relay', 'alice', numbers(5));
  await expect.poll(async () => (await secret.status()).channels['secret']?.paused).toBe(true);
  // In the relay's words.
  expect((await secret.status()).channels['secret']?.failure).toEqual({ name: 'Forbidden', message: 'not this one' });
  await secret.waiting(5);
  await open.online();
  expect(await readAll(relay.url, 'secret')).toEqual([]);
});

test('what is too much at once for something on the way goes in smaller pieces, in order', async ({
  relay,
  newDevice,
  newMiddle,
}) => {
  const middle = await newMiddle();
  middle.treat((passed) => (passed.body.length > 4000 ? { status: 413 } : 'pass'));
  const alice = await openTab(await newDevice(), middle.url);

  await alice.publishTogether('alice', 0, 200);

  await alice.settled();
  expect((await readAll(relay.url, 'notes')).map(({ data }) => data)).toEqual(
    numbers(200).map((n) => ({ by: 'alice', n })),
  );
  expect((await alice.status()).counts.dropped).toEqual({});
});

for (const [status, name] of [
  [429, 'RateLimited'],
  [503, 'Draining'],
] as const) {
  test(`a relay that answers ${status} is left alone for as long as it asks`, async ({ newDevice, newMiddle }) => {
    const middle = await newMiddle();
    const alice = await openTab(await newDevice(), middle.url);
    await alice.online();
    let refusedAt: number | undefined;
    let cameAt: number | undefined;
    middle.treat((passed) => {
      if (!isPost(passed)) return 'pass';
      if (refusedAt !== undefined) {
        cameAt ??= passed.atMs;
        return 'pass';
      }
      refusedAt = passed.atMs;
      return { status, headers: { ...problem, 'retry-after': '2' }, body: JSON.stringify({ name, detail: 'slower' }) };
    });

    await alice.publish('alice', 0, 3);

    await alice.settled();
    await hears(alice, 'relay', 'alice', numbers(3));
    // Two processes have two clocks.
    expect((cameAt ?? 0) - (refusedAt ?? 0)).toBeGreaterThan(1900);
  });
}

test('where every other answer is lost, and what it answered comes again, nothing is doubled', async ({
  relay,
  newDevice,
  newMiddle,
}) => {
  const middle = await newMiddle();
  const alice = await openTab(await newDevice(), middle.url);
  await alice.online();
  let posts = 0;
  middle.treat((passed) => (isPost(passed) && (posts += 1) % 2 === 1 ? 'lose' : 'pass'));

  for (let from = 0; from < 9; from += 3) {
    await alice.publish('alice', from, 3);
    await alice.settled();
  }

  await hears(alice, 'relay', 'alice', numbers(9));
  await hears(alice, 'local', 'alice', numbers(9));
  expect((await readAll(relay.url, 'notes')).map(({ data }) => data)).toEqual(
    numbers(9).map((n) => ({ by: 'alice', n })),
  );
});

test('a channel that was removed and begun anew is told as a gap, and what comes then is heard', async ({
  relay,
  newDevice,
}) => {
  const alice = await openTab(await newDevice(), relay.url);
  await alice.online();
  await alice.publish('alice', 0, 5);
  await hears(alice, 'relay', 'alice', numbers(5));

  expect((await fetch(`${relay.url}/v1/channels/notes`, { method: 'DELETE' })).ok).toBe(true);
  await alice.publish('alice', 5, 5);

  await hears(alice, 'relay', 'alice', numbers(10));
  expect((await alice.status()).channels['notes']?.gaps).toEqual([{ missed: null, reason: 'epoch' }]);
});

test('a proxy that holds streams back is gone around by pages, both ways @slow', async ({
  relay,
  newDevice,
  newMiddle,
}) => {
  // A stream has ten seconds for its first byte.
  const middle = await newMiddle();
  middle.treat(() => 'gather');
  const bob = await openTab(await newDevice(), relay.url, '?user=bob');
  await bob.publish('bob', 0, 5);
  const alice = await openTab(await newDevice(), middle.url);
  await expect.poll(async () => (await alice.status()).connection).toBe('online');

  await alice.publish('alice', 0, 5);
  await bob.publish('bob', 5, 5);

  await hears(bob, 'relay', 'alice', numbers(5));
  await hears(alice, 'relay', 'alice', numbers(5));
  await hears(alice, 'relay', 'bob', numbers(10));
  expect((await alice.status()).channels['notes']?.gaps).toEqual([]);
});

test('where frames come twice, and one channel\u2019s batch arrives behind another\u2019s that was sent later, all is heard once, in order', async ({
  relay,
  newDevice,
  newMiddle,
}) => {
  const middle = await newMiddle();
  const device = await newDevice();
  const notes = await openTab(device, middle.url);
  await notes.online();
  const letters = await openTab(device, middle.url, '?channel=letters');
  const bob = await openTab(await newDevice(), relay.url, '?user=bob');
  const overtaken = Promise.withResolvers<void>();
  middle.treat(async (passed) => {
    if (!isPost(passed)) return 'repeat';
    if (passed.path.includes('letters')) overtaken.resolve();
    else await overtaken.promise;
    return 'pass';
  });
  // What is open already was not treated so.
  await notes.pause();
  await notes.resume();
  await notes.online();

  await notes.publish('alice', 0, 5);
  await expect.poll(() => middle.passed.filter(isPost).length).toBe(1);
  await letters.publish('alice', 0, 5);
  await bob.publish('bob', 0, 5);

  for (const tab of [notes, letters]) await hears(tab, 'relay', 'alice', numbers(5));
  for (const tab of [notes, letters]) await hears(tab, 'local', 'alice', numbers(5));
  await hears(notes, 'relay', 'bob', numbers(5));
  await hears(bob, 'relay', 'alice', numbers(5));
});

test.describe('a relay that takes little and keeps little', () => {
  test.use({ limits: { eventBytesMax: 600, retentionEvents: 50 } });

  test('refuses what is too large for it: whoever waits for the relay hears why, in each tab, and can take it back; the neighbours arrive', async ({
    relay,
    newDevice,
  }) => {
    const device = await newDevice();
    const leader = await openTab(device, relay.url);
    await expect.poll(async () => (await leader.status()).role).toBe('leader');
    const follower = await openTab(device, relay.url);
    const bob = await openTab(await newDevice(), relay.url, '?user=bob');
    const large = 'x'.repeat(600);

    const outcomes = await Promise.all([
      follower.publishUntilRelayed('alice', 0, 3),
      follower.publishUntilRelayed(large, 0, 2),
      leader.publishUntilRelayed(large, 2, 1),
      follower.publishUntilRelayed('alice', 3, 2),
    ]);

    expect(outcomes).toEqual([
      ['relayed', 'relayed', 'relayed'],
      ['TooLarge', 'TooLarge'],
      ['TooLarge'],
      ['relayed', 'relayed'],
    ]);
    await follower.settled();
    await hears(bob, 'relay', 'alice', numbers(5));
    expect((await bob.handled('relay')).filter(({ by }) => by === large)).toEqual([]);
    await expect.poll(async () => (await leader.status()).counts.dropped).toEqual({ refused: 3 });
  });

  test('tells a device that was away for too long how many it missed, in their place, and the rest in order @slow', async ({
    relay,
    newDevice,
    newProxy,
  }) => {
    const proxy = await newProxy();
    const alice = await openTab(await newDevice(), proxy.url);
    const bob = await openTab(await newDevice(), relay.url, '?user=bob');
    await Promise.all([alice.online(), bob.online()]);
    await bob.publish('bob', 0, 5);
    await hears(alice, 'relay', 'bob', numbers(5));

    proxy.set('down');
    await expect.poll(async () => (await alice.status()).connection).toBe('offline');
    for (let from = 5; from < 305; from += 20) {
      await bob.publishTogether('bob', from, 20);
      await bob.settled();
    }
    proxy.set('up');

    await expect.poll(async () => (await alice.handled('relay')).at(-1)?.n).toBe(304);
    const heard = (await alice.handled('relay')).map(({ n }) => n);
    const rest = heard.slice(5);
    expect(heard).toEqual([...numbers(5), ...numbers(rest.length, 305 - rest.length)]);
    expect((await alice.status()).channels['notes']?.gaps).toEqual([
      { missed: 300 - rest.length, reason: 'retention' },
    ]);
    expect(rest.length).toBeLessThan(300);
  });
});
