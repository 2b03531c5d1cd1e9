// The demo in the engine of Safari, as far as Linux has it: two tabs and another device.
import { pages } from '../src/relay.ts';
import { expect, test as base } from '../src/test.ts';
import { startScreen, startWebKit, type WebKitDevice, type WebKitTab } from '../src/webkit.ts';

const test = base.extend<{ readonly newWebKit: () => Promise<WebKitDevice> }>({
  // oxlint-disable-next-line no-empty-pattern -- Playwright reads a fixture's needs from its first parameter.
  newWebKit: async ({}, use) => {
    const screen = await startScreen();
    const devices: WebKitDevice[] = [];
    await use(async () => {
      const device = await startWebKit(screen.display);
      devices.push(device);
      return device;
    });
    try {
      await Promise.all(devices.map((device) => device.close()));
    } finally {
      await screen.close();
    }
  },
});
test.use({ assets: pages.demo });

const textOf = (tab: WebKitTab, id: string): Promise<unknown> =>
  tab.run(`return document.querySelector('[data-testid="${id}"]')?.textContent`);
const orderOf = (tab: WebKitTab): Promise<unknown> =>
  tab.run(`return [...document.querySelectorAll('[data-testid="events-board"] [data-offset]')]
    .map((row) => row.getAttribute('data-offset'))`);
/** The board shows its newest first, and not all of them. */
const newestOf = (tab: WebKitTab): Promise<unknown> =>
  tab.run(`return document.querySelector('[data-testid="events-board"] [data-offset]')?.getAttribute('data-offset')`);
const publish = (tab: WebKitTab): Promise<unknown> =>
  tab.run(`document.querySelector('[data-testid="publish-100"]').click()`);

test('WebKit: what is published in one page is heard in another, and on another device, in one order; and when the leader closes, another tab goes on', async ({
  relay,
  newWebKit,
}) => {
  const [device, other] = [await newWebKit(), await newWebKit()];
  const leader = await device.open(`${relay.url}/?rate=0`);
  await expect.poll(() => textOf(leader, 'role')).toBe('leader');
  const follower = await device.open(`${relay.url}/?rate=0`);
  const bob = await other.open(`${relay.url}/?rate=0&user=bob`);
  const all = [leader, follower, bob];
  for (const tab of all) {
    await expect.poll(() => textOf(tab, 'connection')).toBe('online');
  }

  await publish(leader);
  await publish(bob);

  const orders: unknown[] = [];
  for (const tab of all) {
    await expect.poll(() => orderOf(tab)).toHaveLength(200);
    await expect.poll(() => textOf(tab, 'pending')).toBe('0');
    orders.push(await orderOf(tab));
  }
  for (const order of orders) expect(order).toEqual(orders[0]);
  expect(await textOf(follower, 'role')).toBe('follower');

  await leader.close();
  await publish(follower);
  await expect.poll(() => newestOf(bob)).toMatch(/0300$/);
  await expect.poll(() => textOf(follower, 'role')).toBe('leader');
});
