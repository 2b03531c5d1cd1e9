// A worker that hangs within a transaction, of its durable handlers or of the log: every other tab of the device goes on.
import type { BrowserContext } from '@playwright/test';
import { hears, numbers, openTab, quiet, type Tab } from '../src/tab.ts';
import { expect, test } from '../src/test.ts';
import type { Hangs } from '../src/hang.ts';

const moments: Readonly<Record<string, readonly [query: string, hang: (tab: Tab, hangs: Hangs) => Promise<void>]>> = {
  'it claims': [
    '?durable',
    async (tab, hangs) => {
      // All that a tab does once at its beginning is behind it.
      await tab.publish('alice', 0, 1);
      await expect.poll(async () => (await tab.status()).handlers['count']?.totals.handled).toBe(1);
      await quiet(tab);
      const { hangs: hung } = await hangs.loopInTransaction(tab.page);
      // Stored, and then claimed: whether its page still hears that it is stored, nobody knows.
      await tab.page.evaluate(() => godwit.beginPublishing('alice', 1));
      await hung;
    },
  ],
  'it settles': [
    '?durable=holds',
    async (tab, hangs) => {
      await tab.publish('alice', 0, 1);
      await expect.poll(() => tab.begun()).toEqual([{ n: 0, attempt: 1, aborted: null }]);
      await quiet(tab);
      const { hangs: hung } = await hangs.loopInTransaction(tab.page);
      await tab.letGo();
      await hung;
    },
  ],
  'it reads the log': [
    '',
    async (tab, hangs) => {
      await tab.publish('alice', 0, 1);
      await tab.settled();
      const { hangs: hung } = await hangs.loopInReading(tab.page);
      await tab.page.evaluate(() => godwit.beginPublishing('alice', 1));
      await hung;
    },
  ],
};

for (const [when, [query, hang]] of Object.entries(moments)) {
  test(`a tab whose worker hangs for ever while ${when} holds up no publish of another tab, nor of one opened later @chromium`, async ({
    relay,
    newDevice,
    hangs,
  }) => {
    const device = await newDevice();
    const bob = await openTab(await newDevice(), relay.url, '?user=bob');
    const hung = await openTab(device, relay.url, query);
    await hung.online();
    const other = await openTab(device, relay.url);
    await other.online();

    await hang(hung, hangs);
    await other.publish('bob', 0, 3);
    // It has the same handler, as tabs of one application do, and waits for its turn.
    const later = await opensAndPublishes(device, relay.url, query, 3);

    await hears(other, 'local', 'bob', numbers(6));
    // Somebody else leads by now, and what waits goes on to the relay.
    await other.page.bringToFront();
    await hears(bob, 'relay', 'bob', numbers(6));
    // Nor does whoever leads hold up anybody, who looks after the log and meets the one that hangs.
    const last = await opensAndPublishes(device, relay.url, query, 6);
    await hears(bob, 'relay', 'bob', numbers(9));
    for (const tab of [later, last]) await tab.close();
  });
}

async function opensAndPublishes(device: BrowserContext, url: string, query: string, from: number): Promise<Tab> {
  const tab = await openTab(device, url, query);
  await tab.publish('bob', from, 3);
  return tab;
}

test('what a tab stored, and could not tell of before it hung, goes to the relay and to the other tabs as soon as it has ended', async ({
  relay,
  newDevice,
  hangs,
}) => {
  const device = await newDevice();
  const bob = await openTab(await newDevice(), relay.url, '?user=bob');
  const [leader, follower] = [await openTab(device, relay.url), await openTab(device, relay.url)];
  for (const tab of [bob, leader, follower]) await tab.online();
  const { hangs: hung } = await hangs.loopBeforeTelling(follower.page);
  await follower.page.evaluate(() => godwit.beginPublishing('alice', 1));
  await hung;
  await follower.close();
  await hears(leader, 'local', 'alice', numbers(1));
  await hears(bob, 'relay', 'alice', numbers(1));
});
