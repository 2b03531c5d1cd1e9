// A tab with the bare page: the runtime that its test talks to.
import type { Status } from '@godwit/core';
import { expect, type BrowserContext, type Page } from '@playwright/test';
import type { Begun, Handled } from '../page/api.ts';
import type { KeptSpan } from './tracing.ts';

/** One tab. */
export interface Tab {
  readonly page: Page;
  publish(by: string, from: number, count: number): Promise<readonly string[]>;
  publishTogether(by: string, from: number, count: number): Promise<readonly string[]>;
  publishUntilRelayed(by: string, from: number, count: number): Promise<readonly string[]>;
  beginPublishing(by: string, count: number): Promise<void>;
  handled(order: 'local' | 'relay'): Promise<readonly Handled[]>;
  begun(): Promise<readonly Begun[]>;
  letGo(): Promise<void>;
  status(): Promise<Status>;
  spans(): Promise<readonly KeptSpan[]>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  close(): Promise<void>;
  /** Waits until it talks to the relay, or hears from the tab that does. */
  online(): Promise<void>;
  /** Waits until its status says that so many events wait for the relay, which may be a moment behind the promise of a publish. */
  waiting(events: number): Promise<void>;
  /** Waits until nothing of its device waits for the relay. */
  settled(): Promise<void>;
}

/** Opens a tab on a device, or takes one that is open, and waits until its runtime is open. */
export async function openTab(device: BrowserContext, url: string, query = '', opened?: Page): Promise<Tab> {
  const page = opened ?? (await device.newPage());
  if (opened === undefined) await page.goto(`${url}/${query}`);
  // By time: a tab in the background draws no frames.
  await page.waitForFunction(() => 'godwit' in globalThis, undefined, { polling: 50 });
  const status = (): Promise<Status> => page.evaluate(() => godwit.status());
  return {
    page,
    status,
    publish: (by, from, count) => page.evaluate((args) => godwit.publish(...args), [by, from, count] as const),
    publishTogether: (by, from, count) =>
      page.evaluate((args) => godwit.publishTogether(...args), [by, from, count] as const),
    publishUntilRelayed: (by, from, count) =>
      page.evaluate((args) => godwit.publishUntilRelayed(...args), [by, from, count] as const),
    beginPublishing: (by, count) => page.evaluate((args) => godwit.beginPublishing(...args), [by, count] as const),
    spans: () => page.evaluate(() => godwit.spans()),
    begun: () => page.evaluate(() => godwit.begun()),
    letGo: () => page.evaluate(() => godwit.letGo()),
    handled: (order) => page.evaluate((order) => godwit.handled(order), order),
    pause: () => page.evaluate(() => godwit.pause()),
    resume: () => page.evaluate(() => godwit.resume()),
    close: () => page.close(),
    online: () => expect.poll(async () => (await status()).connection).toBe('online'),
    waiting: (events) => expect.poll(async () => (await status()).pending).toBe(events),
    settled: () => page.evaluate(() => godwit.flush()),
  };
}

/** The numbers of `count` notes in order: what a handler must have had, once each. */
export function numbers(count: number, from = 0): readonly number[] {
  return Array.from({ length: count }, (_, n) => from + n);
}

/** Waits until the tab's handlers have had these notes of one publisher: all of them, once, in this order. */
export async function hears(tab: Tab, order: 'local' | 'relay', by: string, notes: readonly number[]): Promise<void> {
  const heard = async (): Promise<readonly number[]> =>
    (await tab.handled(order)).filter((event) => event.by === by).map(({ n }) => n);
  // The count first: a list of a thousand numbers that is still growing makes no readable message.
  await expect
    .poll(async () => (await heard()).length, { message: `notes of ${by}` })
    .toBeGreaterThanOrEqual(notes.length);
  expect(await heard()).toEqual(notes);
}

/**
 * Waits until nothing of the device is under way at its disk: what is arranged for the tab's next transaction is then none that
 * it was about already.
 */
export async function quiet(tab: Tab): Promise<void> {
  await tab.settled();
  await tab.page.evaluate(async () => {
    const names = (await indexedDB.databases()).map(({ name = '' }) => name);
    // The handlers' first, whose name goes on where the log's ends: what is under way there may still come to the log.
    for (const name of names.toSorted().toReversed()) {
      const database = await new Promise<IDBDatabase>((resolve, reject) => {
        const opening = indexedDB.open(name);
        opening.addEventListener('success', () => resolve(opening.result));
        opening.addEventListener('error', () => reject(opening.error));
      });
      const transaction = database.transaction([...database.objectStoreNames], 'readwrite');
      await new Promise((resolve) => transaction.addEventListener('complete', resolve));
      database.close();
    }
  });
}
