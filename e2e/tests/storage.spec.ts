// The device's disk, as a real browser takes it away.
import type { CDPSession } from '@playwright/test';
import { hears, numbers, openTab, type Tab } from '../src/tab.ts';
import { expect, test } from '../src/test.ts';

const losses: readonly (readonly [string, (tab: Tab, disk: CDPSession, origin: string) => Promise<unknown>])[] = [
  ['a page deletes', (tab) => tab.page.evaluate(deleteDatabases)],
  [
    'the user clears',
    (_, disk, origin) => disk.send('Storage.clearDataForOrigin', { origin, storageTypes: 'indexeddb' }),
  ],
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
