// The demo as people use it: two tabs and a second profile on the live board.
import type { BrowserContext, Page } from '@playwright/test';
import { readAll } from '../src/http.ts';
import { pages } from '../src/relay.ts';
import { expect, test } from '../src/test.ts';

test.use({ assets: pages.demo });

/** Opens the board, with GitHub's replay at rest. */
async function openBoard(device: BrowserContext, url: string, query = 'rate=0'): Promise<Page> {
  const page = await device.newPage();
  await page.goto(`${url}/?${query}`);
  await expect(page.getByTestId('connection')).toHaveText('online');
  return page;
}

async function write(page: Page, text: string): Promise<void> {
  await page.getByTestId('note-input').fill(text);
  await page.getByTestId('note-send').click();
}

function rows(page: Page, column: 'board' | 'github' | 'pending'): ReturnType<Page['locator']> {
  return page.getByTestId(`events-${column}`).locator('[data-id]');
}

/** The offsets of a column, oldest first. */
async function offsets(page: Page, column: 'board' | 'github'): Promise<readonly string[]> {
  const list = await rows(page, column).evaluateAll((all) => all.map((row) => row.getAttribute('data-offset') ?? ''));
  return list.toReversed();
}

/** The roles of some tabs, in the alphabet's order. */
async function roles(...pages: readonly Page[]): Promise<readonly string[]> {
  return (await Promise.all(pages.map((page) => page.getByTestId('role').innerText()))).toSorted(alphabetically);
}

function alphabetically(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}

test('two tabs and a second device show one order, and the counts add up', async ({ relay, newDevice }) => {
  const device = await newDevice();
  const one = await openBoard(device, relay.url);
  const two = await openBoard(device, relay.url);
  const bob = await openBoard(await newDevice(), relay.url, 'rate=0&user=bob');

  await write(one, 'Lunch on the quay at noon?');
  await two.getByTestId('publish-100').click();
  await write(bob, 'I bring the tide table.');

  for (const page of [one, two, bob]) {
    await expect(rows(page, 'board')).toHaveCount(102);
    await expect(rows(page, 'pending')).toHaveCount(0);
    await expect(page.getByTestId('pending')).toHaveText('0');
    await expect(page.getByTestId('delivered')).toHaveText('102');
    await expect(page.getByTestId('dropped')).toHaveText('0');
  }
  await expect(one.getByTestId('published')).toHaveText('1');
  await expect(two.getByTestId('published')).toHaveText('100');
  await expect(bob.getByTestId('published')).toHaveText('1');
  const order = await offsets(one, 'board');
  expect(order).toEqual(order.toSorted(alphabetically));
  expect(await offsets(two, 'board')).toEqual(order);
  expect(await offsets(bob, 'board')).toEqual(order);
  await expect.poll(() => roles(one, two)).toEqual(['follower', 'leader']);

  const stat: { readonly published: number } = await (await fetch(`${relay.url}/v1/channels/board`)).json();
  expect(stat.published).toBe(102);
});

test('what is written offline is shown as pending, and takes its place once the device is back', async ({
  relay,
  newDevice,
}) => {
  const alice = await openBoard(await newDevice(), relay.url);
  const bob = await openBoard(await newDevice(), relay.url, 'rate=0&user=bob');

  await alice.getByTestId('offline').check();
  await expect(alice.getByTestId('connection')).toHaveText('paused');
  await write(alice, 'Written without a network.');
  await expect(rows(alice, 'pending')).toHaveCount(1);
  await expect(alice.getByTestId('pending')).toHaveText('1');
  await write(bob, 'Meanwhile, ashore.');
  await expect(rows(bob, 'board')).toHaveCount(1);
  await alice.getByTestId('offline').uncheck();

  await expect(rows(alice, 'pending')).toHaveCount(0);
  for (const page of [alice, bob]) {
    await expect(rows(page, 'board')).toHaveText([/Written without a network/, /Meanwhile, ashore/]);
  }
});

test('a page that is loaded shows what its device holds, what waits for the relay included', async ({
  relay,
  newDevice,
}) => {
  const device = await newDevice();
  const one = await openBoard(device, relay.url);
  await write(one, 'Ashore.');
  const two = await openBoard(device, relay.url);
  await expect(rows(two, 'board')).toHaveText([/Ashore/]);

  await one.getByTestId('offline').check();
  await expect(two.getByTestId('connection')).toHaveText('paused');
  await write(one, 'At sea.');
  await write(one, 'Still at sea.');
  await expect(rows(one, 'pending')).toHaveCount(2);
  await one.reload();

  await expect(rows(one, 'pending')).toHaveText([/Still at sea/, /At sea/]);
  // A new tab hears of the pause from the leader, later than it reads its disk.
  await expect(one.getByTestId('offline')).toBeChecked();
  await expect(rows(one, 'board')).toHaveText([/Ashore/]);
  await one.getByTestId('offline').uncheck();
  for (const page of [one, two]) {
    await expect(rows(page, 'board')).toHaveText([/Still at sea/, /At sea/, /Ashore/]);
    await expect(rows(page, 'pending')).toHaveCount(0);
  }
});

test.describe('a relay that takes little', () => {
  test.use({ limits: { eventBytesMax: 400 } });

  test('refuses a note that is too long for it: it is shown as refused, with the reason, also where it was loaded while it waited', async ({
    relay,
    newDevice,
  }) => {
    const device = await newDevice();
    const one = await openBoard(device, relay.url);
    const bob = await openBoard(await newDevice(), relay.url, 'rate=0&user=bob');
    const long = 'long '.repeat(50);
    const refused = /long long[^]*400 is the most[^]*refused/;

    await write(one, long);
    await expect(one.getByTestId('said')).toContainText('The relay refused a note');
    await write(one, 'Short.');
    for (const page of [one, bob]) await expect(rows(page, 'board')).toHaveText([/Short/]);
    await expect(rows(one, 'pending')).toHaveText([refused]);
    await expect(one.getByTestId('pending')).toHaveText('0');

    await one.getByTestId('offline').check();
    await expect(one.getByTestId('connection')).toHaveText('paused');
    await write(one, long);
    await expect(rows(one, 'pending')).toHaveText([/on disk/, refused]);
    const two = await device.newPage();
    await two.goto(`${relay.url}/?rate=0`);
    await expect(rows(two, 'pending')).toHaveText([/on disk/]);
    await one.getByTestId('offline').uncheck();
    await expect(rows(one, 'pending')).toHaveText([refused, refused]);
    await expect(rows(two, 'pending')).toHaveText([refused]);
    for (const page of [one, two, bob]) await expect(rows(page, 'board')).toHaveText([/Short/]);
  });
});

test('GitHub’s events are replayed at the rate that the page sets, and shown everywhere in one order', async ({
  relay,
  newDevice,
}) => {
  const alice = await openBoard(await newDevice(), relay.url);
  const bob = await openBoard(await newDevice(), relay.url, 'rate=0&user=bob');
  await expect(rows(alice, 'github')).toHaveCount(0);

  await alice.getByTestId('rate').fill('20');
  await expect.poll(() => rows(bob, 'github').count()).toBeGreaterThan(20);
  await alice.getByTestId('rate').fill('0');

  // What was on its way when the slider moved still arrives: the log says when all of it is there.
  const order = async (): Promise<readonly string[]> => (await readAll(relay.url, 'github')).map(({ id }) => id);
  const shown = async (page: Page): Promise<readonly string[]> => {
    const ids = await rows(page, 'github').evaluateAll((all) => all.map((row) => row.getAttribute('data-id') ?? ''));
    return ids.toReversed();
  };
  for (const page of [alice, bob]) {
    await expect(async () => expect(await shown(page)).toEqual(await order())).toPass();
  }
  for (const { source, type } of await readAll(relay.url, 'github')) {
    expect(source).toMatch(/^https:\/\/github\.com\/\S+\/\S+$/);
    expect(type).toMatch(/^github\./);
  }
  await expect(bob.getByTestId('dropped')).toHaveText('0');
});

test('the page keeps the newest rows and lets the others go', async ({ relay, newDevice }) => {
  const alice = await openBoard(await newDevice(), relay.url);
  for (let round = 0; round < 3; round += 1) await alice.getByTestId('publish-100').click();

  await expect(alice.getByTestId('delivered')).toHaveText('300');
  await expect(rows(alice, 'board')).toHaveCount(200);
  await expect(alice.getByTestId('published')).toHaveText('300');
});

test('a board that cannot start says why', async ({ relay, newDevice }) => {
  const page = await (await newDevice()).newPage();
  await page.goto(`${relay.url}/?relay=nowhere`);
  await expect(page.getByRole('alert')).toContainText('it must be a web address');
});
