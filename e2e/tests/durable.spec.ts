// A durable handler whose tab crashes or freezes while it runs: another tab of the device goes on, in real browsers.
import type { HandlerRecord } from '@godwit/core';
import { openTab, type Tab } from '../src/tab.ts';
import { expect, test } from '../src/test.ts';
import { setFrozen } from '../src/window.ts';

const handler = '?relay=none&durable';

/** How the handler stands, as this tab sees it. */
async function standing(tab: Tab): Promise<Pick<HandlerRecord, 'totals'> | undefined> {
  return (await tab.status()).handlers['count'];
}

async function handled(tab: Tab, events: number): Promise<void> {
  await expect.poll(async () => (await standing(tab))?.totals.handled).toBe(events);
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

  const session = await device.newCDPSession(one.page);
  const crashed = one.page.waitForEvent('crash');
  // Nobody answers: the page is gone.
  session.send('Page.crash').catch(() => undefined);
  await crashed;

  await handled(other, 1);
  expect(await other.begun()).toEqual([{ n: 0, attempt: 2, aborted: null }]);
  expect((await standing(other))?.totals).toEqual({ passed: 1, handled: 1, failed: 1, dropped: {} });
});

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
