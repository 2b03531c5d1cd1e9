// Several devices, one relay.
import { note, post, readAll, readStream } from '../src/http.ts';
import { openTab, hears, numbers } from '../src/tab.ts';
import { expect, test } from '../src/test.ts';

test('an event published on one device is handled on another', async ({ relay, newDevice }) => {
  const alice = await openTab(await newDevice(), relay.url);
  const bob = await openTab(await newDevice(), relay.url, '?user=bob');
  await bob.online();

  await alice.publish('alice', 0, 5);

  await hears(bob, 'local', 'alice', numbers(5));
  await hears(bob, 'relay', 'alice', numbers(5));
  expect((await bob.handled('relay')).every(({ offset }) => offset !== null)).toBe(true);
});

test('two devices that publish at the same time show one order: the relay’s', async ({ relay, newDevice }) => {
  const alice = await openTab(await newDevice(), relay.url);
  const bob = await openTab(await newDevice(), relay.url, '?user=bob');
  await Promise.all([alice.online(), bob.online()]);

  await Promise.all([alice.publish('alice', 0, 100), bob.publish('bob', 0, 100)]);

  for (const tab of [alice, bob]) {
    await hears(tab, 'relay', 'alice', numbers(100));
    await hears(tab, 'relay', 'bob', numbers(100));
  }
  const order = (await readAll(relay.url, 'notes')).map(({ id }) => id);
  expect(order).toHaveLength(200);
  expect((await alice.handled('relay')).map(({ id }) => id)).toEqual(order);
  expect((await bob.handled('relay')).map(({ id }) => id)).toEqual(order);
});

test('a device that was away resumes by its offset: it gets what it missed, and nothing twice', async ({
  relay,
  newDevice,
}) => {
  const alice = await openTab(await newDevice(), relay.url);
  const home = await newDevice();
  const before = await openTab(home, relay.url, '?user=bob');
  await before.online();
  await alice.publish('alice', 0, 10);
  await hears(before, 'relay', 'alice', numbers(10));

  await before.close();
  await alice.publish('alice', 10, 30);
  await alice.settled();
  const after = await openTab(home, relay.url, '?user=bob');

  await hears(after, 'relay', 'alice', numbers(30, 10));
  await alice.publish('alice', 40, 5);
  await hears(after, 'relay', 'alice', numbers(35, 10));
  expect((await after.status()).channels['notes']?.gaps ?? []).toEqual([]);
});

test('any reader of Server-Sent Events resumes by its offset', async ({ relay }) => {
  const url = `${relay.url}/v1/channels/notes/events`;
  const { results } = await post(
    relay.url,
    'notes',
    numbers(10).map((n) => note('alice', n)),
  );
  const seen = results[3]?.offset ?? '';

  const frames = await readStream(url, { 'last-event-id': seen }, (frames) =>
    frames.some(({ id }) => id === results[9]?.offset),
  );

  const events = frames.filter(({ event }) => event === undefined);
  expect(frames[0]?.event).toBe('connected');
  expect(events.map(({ id }) => id)).toEqual(results.slice(4).map(({ offset }) => offset));
});
