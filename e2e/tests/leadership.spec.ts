// Who talks to the relay when the tab that did so closes, crashes, leaves, hangs or freezes; and that nobody robs for ever.
import type { BrowserContext, Page } from '@playwright/test';
import { readAll } from '../src/http.ts';
import { workerOf, type Hangs } from '../src/hang.ts';
import { hears, numbers, openTab, type Tab } from '../src/tab.ts';
import { expect, test } from '../src/test.ts';
import { setFrozen } from '../src/window.ts';

/** A leader and a follower of one device, the follower in front. */
async function openPair(device: BrowserContext, url: string): Promise<{ leader: Tab; follower: Tab }> {
  const one = await openTab(device, url);
  await one.online();
  const other = await openTab(device, url);
  await other.online();
  // On a machine that stalls for seconds the second may lead by now, as it should.
  await expect.poll(async () => [await roleOf(one), await roleOf(other)].toSorted()).toEqual(['follower', 'leader']);
  const [leader, follower] = (await roleOf(one)) === 'leader' ? [one, other] : [other, one];
  await follower.page.bringToFront();
  return { leader, follower };
}

async function roleOf(tab: Tab): Promise<string> {
  return (await tab.status()).role;
}

async function leads(tab: Tab): Promise<void> {
  await expect.poll(() => roleOf(tab)).toBe('leader');
}

/** What the relay has, in its order. */
async function stored(url: string): Promise<readonly unknown[]> {
  return (await readAll(url, 'notes')).map(({ data }) => data);
}

/** Readers at the relay: one for each device. */
async function readers(url: string, channel = 'notes'): Promise<number> {
  const stat: { readonly subscribers: number } = await (await fetch(`${url}/v1/channels/${channel}`)).json();
  return stat.subscribers;
}

const notes = (count: number): readonly unknown[] => numbers(count).map((n) => ({ by: 'alice', n }));

test('a device has one connection, however many tabs it has', async ({ relay, newDevice }) => {
  const device = await newDevice();
  const { leader, follower } = await openPair(device, relay.url);
  const third = await openTab(device, relay.url);
  await third.online();
  await third.publish('alice', 0, 3);
  for (const tab of [leader, follower, third]) await hears(tab, 'relay', 'alice', numbers(3));
  await expect.poll(() => readers(relay.url)).toBe(1);
});

test('the channels of all tabs of a device travel on one connection', async ({ relay, newDevice, newMiddle }) => {
  const middle = await newMiddle();
  const device = await newDevice();
  const names = ['notes', 'letters', 'plans'];
  const tabs: Tab[] = [];
  for (const name of names) tabs.push(await openTab(device, middle.url, `?channel=${name}`));
  const bob = await newDevice();
  for (const [index, name] of names.entries()) {
    const other = await openTab(bob, relay.url, `?user=bob&channel=${name}`);
    await other.publish('bob', 0, index + 1);
  }
  for (const [index, tab] of tabs.entries()) await hears(tab, 'relay', 'bob', numbers(index + 1));
  const streams = middle.passed.filter(({ method, path }) => method === 'GET' && path.includes('channel='));
  const last = new URL(streams.at(-1)?.path ?? '', middle.url).searchParams.getAll('channel');
  expect(last.map((channel) => channel.replace(/@.*$/, '')).toSorted()).toEqual(names.toSorted());
  // Those that carried fewer have ended: the relay counts one reader of each, and bob's.
  for (const name of names) await expect.poll(() => readers(relay.url, name)).toBe(2);
});

const ends: Readonly<Record<string, (page: Page, hangs: Hangs) => Promise<unknown>>> = {
  'is closed': (page) => page.close(),
  'goes elsewhere': (page) => page.goto('about:blank'),
  async 'crashes @chromium'(page) {
    const session = await page.context().newCDPSession(page);
    const crashed = page.waitForEvent('crash');
    // Nobody answers: the page is gone.
    session.send('Page.crash').catch(() => undefined);
    await crashed;
  },
  'has a worker that hangs in a loop @chromium': (page, hangs) => hangs.loop(page),
};
for (const [what, end] of Object.entries(ends)) {
  test(`when the tab that leads ${what}, another sends what waits and goes on`, async ({ relay, newDevice, hangs }) => {
    const { leader, follower } = await openPair(await newDevice(), relay.url);
    const bob = await openTab(await newDevice(), relay.url, '?user=bob');
    await bob.online();
    await leader.publish('alice', 0, 5);
    await hears(leader, 'relay', 'alice', numbers(5));

    await end(leader.page, hangs);
    await follower.publish('alice', 5, 5);

    await hears(bob, 'relay', 'alice', numbers(10));
    await hears(follower, 'relay', 'alice', numbers(10));
    await follower.settled();
    expect(await roleOf(follower)).toBe('leader');
    expect(await stored(relay.url)).toEqual(notes(10));
  });
}

test('a leader that hung and was robbed of the lead does no harm when it goes on: it follows', async ({
  relay,
  newDevice,
  hangs,
}) => {
  const { leader, follower } = await openPair(await newDevice(), relay.url);
  const bob = await openTab(await newDevice(), relay.url, '?user=bob');
  await bob.online();
  await leader.publish('alice', 0, 5);
  await hears(leader, 'relay', 'alice', numbers(5));

  await hangs.hang(leader.page);
  await follower.publish('alice', 5, 5);
  await hears(bob, 'relay', 'alice', numbers(10));
  hangs.end();
  await expect.poll(() => roleOf(leader)).toBe('follower');
  await leader.publish('alice', 10, 5);

  for (const tab of [bob, leader, follower]) await hears(tab, 'relay', 'alice', numbers(15));
  await Promise.all([leader.settled(), follower.settled()]);
  expect(await stored(relay.url)).toEqual(notes(15));
  // Its own connection has gone with its lead.
  await expect.poll(() => readers(relay.url)).toBe(2);
});

test('a leader in the background that is frozen is robbed by the tab in front, and follows once it thaws @chromium', async ({
  relay,
  newDevice,
  newWindow,
}) => {
  const { device } = await newWindow();
  const { leader, follower } = await openPair(device, relay.url);
  const bob = await openTab(await newDevice(), relay.url, '?user=bob');
  await bob.online();
  await leader.publish('alice', 0, 5);
  await hears(leader, 'relay', 'alice', numbers(5));

  await setFrozen(leader.page, true);
  await follower.publish('alice', 5, 5);
  await hears(bob, 'relay', 'alice', numbers(10));
  await leads(follower);
  await setFrozen(leader.page, false);
  await leader.page.bringToFront();
  await expect.poll(() => roleOf(leader)).toBe('follower');
  await leader.publish('alice', 10, 5);

  for (const tab of [bob, leader, follower]) await hears(tab, 'relay', 'alice', numbers(15));
  await Promise.all([leader.settled(), follower.settled()]);
  expect(await stored(relay.url)).toEqual(notes(15));
  await expect.poll(() => readers(relay.url)).toBe(2);
});

test('a deaf tab robs the leader once, is robbed back, and robs nobody again', async ({ relay, newDevice }) => {
  const device = await newDevice();
  const { leader, follower } = await openPair(device, relay.url);
  // What tabs tell each other, as a page that takes no part hears it.
  const witness = await device.newPage();
  await witness.goto(`${relay.url}/nothing-is-here`);
  const heard = await witness.evaluateHandle(async () => {
    // The log's, whose name the other's begins with, is the one that tabs talk under.
    const [name = ''] = (await indexedDB.databases()).map((database) => database.name ?? '').toSorted();
    const counts: Record<string, number> = {};
    new BroadcastChannel(name).addEventListener('message', ({ data }) => {
      counts[data.message.kind] = (counts[data.message.kind] ?? 0) + 1;
    });
    return counts;
  });
  const count = (kind: string): Promise<number> => heard.evaluate((counts, its) => counts[its] ?? 0, kind);

  await workerOf(follower.page).evaluate(() => {
    const { get } = Object.getOwnPropertyDescriptor(MessageEvent.prototype, 'data') ?? {};
    Object.defineProperty(MessageEvent.prototype, 'data', {
      get(this: MessageEvent) {
        return this.target instanceof BroadcastChannel ? undefined : get?.call(this);
      },
    });
  });

  await expect.poll(() => count('leader')).toBe(2);
  await expect.poll(async () => [await roleOf(leader), await roleOf(follower)]).toEqual(['leader', 'follower']);
  const asked = await count('ask');
  // Twice as often as it takes to rob somebody.
  await expect.poll(() => count('ask')).toBeGreaterThanOrEqual(asked + 8);
  expect(await count('leader')).toBe(2);
  expect([await roleOf(leader), await roleOf(follower)]).toEqual(['leader', 'follower']);
});
