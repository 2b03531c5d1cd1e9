// The life of a page: left and come back to, frozen and thawed, opened twice.
import type { Page } from '@playwright/test';
import { readAll } from '../src/http.ts';
import { hears, numbers, openTab, type Tab } from '../src/tab.ts';
import { expect, test } from '../src/test.ts';
import { setFrozen, startBrowser } from '../src/window.ts';

test('a leader’s page that is left for another hands over at once, and has missed nothing when it is back', async ({
  relay,
  newWindow,
  newDevice,
}) => {
  const { device } = await newWindow();
  const left = await openTab(device, relay.url);
  await expect.poll(async () => (await left.status()).role).toBe('leader');
  const other = await openTab(device, relay.url);
  const bob = await openTab(await newDevice(), relay.url, '?user=bob');
  await left.publish('alice', 0, 5);
  await hears(left, 'relay', 'alice', numbers(5));

  await left.page.goto(`${relay.url}/healthz`);
  await other.publish('alice', 5, 5);
  await bob.publish('bob', 0, 5);

  await expect.poll(async () => (await other.status()).role).toBe('leader');
  await other.settled();
  await hears(bob, 'relay', 'alice', numbers(10));
  await hears(other, 'relay', 'bob', numbers(5));
  await goBack(left);
  await hears(left, 'local', 'alice', numbers(10));
  await hears(left, 'relay', 'alice', numbers(10));
  await hears(left, 'relay', 'bob', numbers(5));
  await left.publish('alice', 10, 5);
  await hears(bob, 'relay', 'alice', numbers(15));
  // It follows; on a machine that stalls for seconds the one in front may have taken the lead by now, as it should.
  const roles = async () => [(await left.status()).role, (await other.status()).role].toSorted();
  await expect.poll(roles).toEqual(['follower', 'leader']);
});

test('a page that is left before it has heard of anything hears of everything when it is back', async ({
  relay,
  newWindow,
}) => {
  const { device } = await newWindow();
  const other = await openTab(device, relay.url);
  const left = await openTab(device, relay.url);

  await left.page.goto(`${relay.url}/healthz`);
  await other.publish('alice', 0, 5);
  await goBack(left);

  await hears(left, 'local', 'alice', numbers(5));
  await hears(left, 'relay', 'alice', numbers(5));
});

test('a lone page that is left and come back to, again and again, goes on each time', async ({ relay, newWindow }) => {
  const { device } = await newWindow();
  const alice = await openTab(device, relay.url);
  for (let round = 0; round < 3; round += 1) {
    await alice.publish('alice', round * 5, 5);
    await alice.page.goto(`${relay.url}/healthz`);
    await goBack(alice);
    await hears(alice, 'relay', 'alice', numbers((round + 1) * 5));
  }
  await alice.settled();
  await expect.poll(async () => (await alice.status()).role).toBe('leader');
});

test('a follower that was frozen sees what it missed, in order, once, when it thaws', async ({
  relay,
  newWindow,
  newDevice,
}) => {
  const { device } = await newWindow();
  const leader = await openTab(device, relay.url);
  await expect.poll(async () => (await leader.status()).role).toBe('leader');
  const frozen = await openTab(device, relay.url);
  const bob = await openTab(await newDevice(), relay.url, '?user=bob');
  await bob.online();
  await leader.page.bringToFront();

  await setFrozen(frozen.page, true);
  await leader.publish('alice', 0, 50);
  await bob.publish('bob', 0, 50);
  await hears(leader, 'relay', 'bob', numbers(50));
  await setFrozen(frozen.page, false);

  await hears(frozen, 'local', 'alice', numbers(50));
  await hears(frozen, 'relay', 'alice', numbers(50));
  await hears(frozen, 'relay', 'bob', numbers(50));
});

test('a tab that was frozen while 10,000 events passed sees every one, in order, once, when it thaws @slow', async ({
  relay,
  newWindow,
}) => {
  test.setTimeout(180_000);
  const { device } = await newWindow();
  const leader = await openTab(device, relay.url);
  await expect.poll(async () => (await leader.status()).role).toBe('leader');
  const frozen = await openTab(device, relay.url);
  await leader.page.bringToFront();

  await setFrozen(frozen.page, true);
  for (let from = 0; from < 10_000; from += 1000) await leader.publishTogether('alice', from, 1000);
  await expect.poll(async () => (await leader.status()).pending, { timeout: 90_000 }).toBe(0);
  await setFrozen(frozen.page, false);

  await hears(frozen, 'local', 'alice', numbers(10_000));
  await hears(frozen, 'relay', 'alice', numbers(10_000));
  expect((await frozen.status()).channels['notes']?.gaps).toEqual([]);
});

test('a tab that was frozen for longer than the log goes back is told of the gap, and sees the rest in order', async ({
  relay,
  newWindow,
}) => {
  const { device } = await newWindow();
  const leader = await openTab(device, relay.url);
  await expect.poll(async () => (await leader.status()).role).toBe('leader');
  const frozen = await openTab(device, relay.url);
  await leader.publish('alice', 0, 1);
  await hears(frozen, 'relay', 'alice', numbers(1));
  await leader.page.bringToFront();

  await setFrozen(frozen.page, true);
  for (let from = 1; from < 301; from += 20) await leader.publishTogether('alice', from, 20);
  await leader.settled();
  await hears(leader, 'relay', 'alice', numbers(301));
  // Two hours later somebody tidies up, and keeps a hundred.
  const later = await openTab(device, relay.url, '?relay=none&keep=100&later');
  await later.publish('bob', 0, 1);
  await expect.poll(async () => (await later.status()).trimmed).toBeGreaterThan(400);
  await setFrozen(frozen.page, false);

  await hears(frozen, 'local', 'bob', [0]);
  expect((await frozen.status()).channels['notes']?.gaps).toEqual([{ missed: null, reason: 'retention' }]);
  const rest = (await frozen.handled('relay')).map(({ n }) => n).slice(1);
  expect(rest).toEqual(numbers(rest.length, 301 - rest.length));
});

test('a duplicated tab has an identity of its own: both publish, and nothing is doubled', async ({
  relay,
  newDevice,
}) => {
  const device = await newDevice();
  const first = await openTab(device, relay.url);
  await first.page.evaluate(() => sessionStorage.setItem('of', 'this tab'));
  // A tab that is duplicated begins with a copy of the other's sessionStorage and history, as one does that it opens.
  const opened = device.waitForEvent('page');
  await first.page.evaluate(() => void open(location.href, '_blank', 'opener'));
  const second = await openTab(device, relay.url, '', await opened);
  expect(await second.page.evaluate(() => sessionStorage.getItem('of'))).toBe('this tab');

  await Promise.all([first.publish('alice', 0, 20), second.publish('bob', 0, 20)]);

  for (const tab of [first, second]) {
    await hears(tab, 'local', 'alice', numbers(20));
    await hears(tab, 'local', 'bob', numbers(20));
    await hears(tab, 'relay', 'alice', numbers(20));
    await hears(tab, 'relay', 'bob', numbers(20));
  }
  const roles = async () => [(await first.status()).role, (await second.status()).role].toSorted();
  await expect.poll(roles).toEqual(['follower', 'leader']);
});

test('a page that is prerendered starts nothing before somebody looks at it', async ({ relay }) => {
  // No test drives this one: Chromium prerenders nothing where a debugger watches.
  const browser = await startBrowser(`${relay.url}/prerender.html`);
  try {
    const opened = async (): Promise<readonly unknown[]> => (await readAll(relay.url, 'pages')).map(({ data }) => data);
    await expect.poll(opened).toEqual([{ before: true, now: false }]);
  } finally {
    await browser.end();
  }
});

/** Goes back to the page that was left, and makes sure that it is that one, and no new one. */
async function goBack(tab: Tab): Promise<void> {
  const restored = tab.page.waitForFunction(() => 'godwit' in globalThis, undefined, { polling: 50 });
  await tab.page.evaluate(() => history.back());
  await restored;
  expect(await wasKept(tab.page), 'the page comes from the back/forward cache').toBe(true);
}

function wasKept(page: Page): Promise<boolean> {
  return page.evaluate(() => godwit.shown().includes('again'));
}
