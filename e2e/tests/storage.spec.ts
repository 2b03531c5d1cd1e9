// The device's disk, as a real browser takes it away.
import { randomBytes } from 'node:crypto';
import type { CDPSession } from '@playwright/test';
import { readAll } from '../src/http.ts';
import { hears, numbers, openTab, type Tab } from '../src/tab.ts';
import { expect, test } from '../src/test.ts';

const losses: readonly (readonly [string, (tab: Tab, disk: CDPSession, origin: string) => Promise<unknown>])[] = [
  ['a page deletes', (tab) => tab.page.evaluate(deleteDatabases)],
  ['the user clears', (_, disk, origin) => clear(disk, origin)],
];
for (const [who, lose] of losses) {
  test(`a database that ${who} is lost by name; the next tab is a new device, and reads all from the relay`, async ({
    relay,
    newProfile,
  }) => {
    const device = await (await newProfile()).launch();
    const tab = await openTab(device, relay.url);
    await tab.publish('alice', 0, 5);
    await hears(tab, 'relay', 'alice', numbers(5));

    await lose(tab, await device.newCDPSession(tab.page), relay.url);
    await expect(tab.publish('alice', 5, 1)).rejects.toThrow('create another runtime');
    await tab.close();

    const next = await openTab(device, relay.url);
    await next.publish('alice again', 0, 5);
    await hears(next, 'relay', 'alice', numbers(5));
    await hears(next, 'relay', 'alice again', numbers(5));
  });
}

test('whenever the user clears, every publish ends, and so does the closing: what the browser cuts off without a word is not waited for', async ({
  relay,
  newProfile,
}) => {
  const device = await (await newProfile()).launch();
  for (let round = 0; round < 10; round += 1) {
    const tab = await openTab(device, relay.url);
    const disk = await device.newCDPSession(tab.page);
    const published = expect(tab.publish('alice', 0, 1_000_000)).rejects.toThrow('create another runtime');
    await clear(disk, relay.url);
    await published;
    await tab.page.evaluate(() => godwit.close());
    await tab.close();
  }
});

test('at its quota a device refuses by name what it cannot store, keeps the rest, and goes on when there is room again @slow', async ({
  relay,
  newProfile,
}) => {
  // A browser looks at its quota every half minute.
  test.setTimeout(300_000);
  const device = await (await newProfile()).launch();
  const tab = await openTab(device, relay.url);
  const disk = await device.newCDPSession(tab.page);
  await tab.publish('alice', 0, 5);
  await tab.settled();
  const stored: number[] = [...numbers(5)];
  let n = 5;
  /** What cannot be made smaller on its way to the disk. */
  const publish = async (): Promise<string> => {
    n += 1;
    try {
      await tab.publish(`alice ${randomBytes(50_000).toString('base64')}`, n, 1);
      stored.push(n);
      return 'stored';
    } catch (error) {
      return String(error);
    }
  };

  await disk.send('Storage.overrideQuotaForOrigin', { origin: relay.url, quotaSize: 100_000 });
  await expect.poll(publish, { timeout: 120_000 }).toContain('the browser grants no more room');
  expect((await tab.status()).storage).toBe('indexeddb');
  await disk.send('Storage.overrideQuotaForOrigin', { origin: relay.url });
  await expect.poll(publish, { timeout: 120_000 }).toBe('stored');

  await expect.poll(async () => (await readAll(relay.url, 'notes')).length).toBe(stored.length);
  expect((await readAll(relay.url, 'notes')).map(({ data }) => data)).toMatchObject(stored.map((n) => ({ n })));
  await expect.poll(async () => (await tab.handled('relay')).map(({ n }) => n)).toEqual(stored);
  expect((await tab.handled('local')).map(({ n }) => n)).toEqual(stored);
  await tab.settled();
});

function clear(disk: CDPSession, origin: string): Promise<unknown> {
  return disk.send('Storage.clearDataForOrigin', { origin, storageTypes: 'indexeddb' });
}

/** Runs in the page. Resolves when all are deleted. */
async function deleteDatabases(): Promise<void> {
  for (const { name = '' } of await indexedDB.databases()) {
    await new Promise<void>((resolve, reject) => {
      const request = indexedDB.deleteDatabase(name);
      request.addEventListener('success', () => resolve());
      request.addEventListener('error', () => reject(request.error ?? new Error('it was not deleted')));
    });
  }
}
