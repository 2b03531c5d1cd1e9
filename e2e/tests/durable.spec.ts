// A durable handler whose tab crashes or freezes while it runs: another tab of the device goes on, in real browsers.
import type { HandlerRecord } from '@godwit/core';
import { numbers, openTab, type Tab } from '../src/tab.ts';
import { expect, test } from '../src/test.ts';
import { setFrozen } from '../src/window.ts';

const handler = '?relay=none&durable';

/** How the handler stands, as this tab sees it. */
async function standing(tab: Tab): Promise<Pick<HandlerRecord, 'totals' | 'rows'> | undefined> {
  return (await tab.status()).handlers['count'];
}

async function handled(tab: Tab, events: number): Promise<void> {
  await expect.poll(async () => (await standing(tab))?.totals.handled).toBe(events);
}

async function crash({ page }: Tab): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const crashed = page.waitForEvent('crash');
  // Nobody answers: the page is gone.
  session.send('Page.crash').catch(() => undefined);
  await crashed;
}

test('an event that crashes its tab has used an attempt, and another tab handles it @chromium', async ({
  relay,
  newDevice,
}) => {
  const device = await newDevice();
  const one = await openTab(device, relay.url, `${handler}=holds`);
  await one.publish('alice', 0, 1);
  await expect.poll(() => one.begun()).toEqual([{ n: 0, attempt: 1, aborted: null }]);
  const other = await openTab(device, relay.url, handler);

  await crash(one);

  await handled(other, 1);
  expect(await other.begun()).toEqual([{ n: 0, attempt: 2, aborted: null }]);
  expect((await standing(other))?.totals).toEqual({ passed: 1, handled: 1, failed: 1, dropped: {} });
});

for (const attempts of [1, 3]) {
  test(`an event that crashes each tab that handles it is a dead letter after ${attempts}, and what was claimed with it is handled once, at its first attempt @chromium`, async ({
    relay,
    newDevice,
  }) => {
    const device = await newDevice();
    const writer = await openTab(device, relay.url, '?relay=none');
    await writer.publishTogether('alice', 0, 60);
    const others: { readonly n: number; readonly attempt: number }[] = [];
    const take = async (tab: Tab): Promise<void> => {
      others.push(...(await tab.begun()).filter(({ n }) => n !== 30).map(({ n, attempt }) => ({ n, attempt })));
    };

    for (let attempt = 1; attempt <= attempts; attempt += 1) {
      const tab = await openTab(device, relay.url, `${handler}&poison=30&attempts=${attempts}`);
      await expect.poll(async () => (await tab.begun()).at(-1)).toEqual({ n: 30, attempt, aborted: null });
      await take(tab);
      // What has ended is on the disk before the crash.
      await handled(tab, others.length);
      await crash(tab);
    }

    const last = await openTab(device, relay.url, `${handler}&poison=30&attempts=${attempts}`);
    await expect
      .poll(() => standing(last))
      .toMatchObject({
        totals: { passed: 60, handled: 59, failed: attempts, dropped: {} },
        rows: { dead: 1, waiting: 0, running: 0 },
      });
    await take(last);
    const each = numbers(60).filter((n) => n !== 30);
    expect(others.toSorted((a, b) => a.n - b.n)).toEqual(each.map((n) => ({ n, attempt: 1 })));
  });
}

test('what a frozen tab had claimed is handled in another; thawed, its signal is aborted and its late answer refused @chromium', async ({
  relay,
  newWindow,
}) => {
  const { device } = await newWindow();
  const frozen = await openTab(device, relay.url, `${handler}=holds`);
  await frozen.publish('alice', 0, 1);
  await expect.poll(() => frozen.begun()).toEqual([{ n: 0, attempt: 1, aborted: null }]);
  const other = await openTab(device, relay.url, handler);
  await other.page.bringToFront();

  await setFrozen(frozen.page, true);
  await handled(other, 1);
  expect(await other.begun()).toEqual([{ n: 0, attempt: 2, aborted: null }]);

  await setFrozen(frozen.page, false);
  await frozen.page.bringToFront();
  await expect.poll(async () => (await frozen.begun()).map(({ aborted }) => aborted)).toEqual([expect.any(String)]);
  await frozen.letGo();
  await other.publish('alice', 1, 1);
  await handled(other, 2);
  expect((await standing(other))?.totals).toEqual({ passed: 2, handled: 2, failed: 1, dropped: {} });
  // The second note may have been its own again, on a machine where the other stalls.
  expect((await frozen.begun())[0]).toEqual({ n: 0, attempt: 1, aborted: expect.stringContaining('Fenced') });
});
