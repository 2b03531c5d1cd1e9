// One device: several tabs, one of which talks to the relay for all.
import { openTab, hears, numbers } from '../src/tab.ts';
import { expect, test } from '../src/test.ts';

test('an event published in one tab is handled in another', async ({ relay, newDevice }) => {
  const device = await newDevice();
  const [one, other] = [await openTab(device, relay.url), await openTab(device, relay.url)];

  await one.publish('alice', 0, 5);

  await hears(other, 'local', 'alice', numbers(5));
  await hears(other, 'relay', 'alice', numbers(5));
  await hears(one, 'local', 'alice', numbers(5));
  await hears(one, 'relay', 'alice', numbers(5));
});

test('of several tabs one leads, and the others follow', async ({ relay, newDevice }) => {
  const device = await newDevice();
  const tabs = [await openTab(device, relay.url), await openTab(device, relay.url), await openTab(device, relay.url)];
  const roles = async (): Promise<readonly string[]> =>
    (await Promise.all(tabs.map(async (tab) => (await tab.status()).role))).toSorted();

  await expect.poll(roles).toEqual(['follower', 'follower', 'leader']);
  await Promise.all(tabs.map((tab) => tab.online()));
});

test('when the leader’s tab closes, another goes on', async ({ relay, newDevice }) => {
  const device = await newDevice();
  const leader = await openTab(device, relay.url);
  await expect.poll(async () => (await leader.status()).role).toBe('leader');
  const follower = await openTab(device, relay.url);
  const bob = await openTab(await newDevice(), relay.url, '?user=bob');
  await follower.publish('alice', 0, 5);
  await hears(bob, 'relay', 'alice', numbers(5));

  await leader.close();
  await follower.publish('alice', 5, 5);

  await hears(bob, 'relay', 'alice', numbers(10));
  await bob.publish('bob', 0, 5);
  await hears(follower, 'relay', 'bob', numbers(5));
  expect((await follower.status()).role).toBe('leader');
  await follower.settled();
});

test('a leader’s tab that crashes is followed by another, and nothing of it is lost @chromium', async ({
  relay,
  newDevice,
}) => {
  const device = await newDevice();
  const leader = await openTab(device, relay.url);
  await expect.poll(async () => (await leader.status()).role).toBe('leader');
  const follower = await openTab(device, relay.url);
  await leader.pause();
  await leader.publish('alice', 0, 20);

  const crashed = leader.page.waitForEvent('crash');
  // The navigation never ends: its page is gone.
  void leader.page.goto('chrome://crash').catch(() => undefined);
  await crashed;
  await follower.resume();

  await hears(follower, 'relay', 'alice', numbers(20));
  await follower.settled();
});
