import { tabsContract } from '@godwit/core/contracts';
import { expect, onTestFinished, test } from 'vitest';
import type { TabMessage } from '@godwit/core';
import { openTabs, type TabsPlatform } from './tabs.ts';

tabsContract('by Web Locks and BroadcastChannel', () => {
  const name = crypto.randomUUID();
  return {
    tab: () => openTabs({ name, platform: globalThis }),
    stranger: () => openTabs({ name: crypto.randomUUID(), platform: globalThis }),
    settle: turn,
    dispose: () => undefined,
  };
});

test('a worker that is terminated lets go of the lead', async () => {
  const name = crypto.randomUUID();
  const { worker, leads } = startLeader(name);
  await leads;
  expect(await holders(name)).toHaveLength(1);
  const tabs = openTabs({ name, platform: globalThis });
  onTestFinished(() => tabs.close());
  const order: string[] = [];
  const led = tabs.lead(async () => void order.push('the page leads'), new AbortController().signal);
  await turn();
  order.push('the worker is terminated');
  worker.terminate();
  await led;
  expect(order).toEqual(['the worker is terminated', 'the page leads']);
});

test('a worker that hangs in a loop is robbed of the lead at once', async () => {
  const name = crypto.randomUUID();
  const { worker, leads } = startLeader(name);
  onTestFinished(() => worker.terminate());
  await leads;
  const tabs = openTabs({ name, platform: globalThis });
  onTestFinished(() => tabs.close());
  const hung = new Promise((resolve) => worker.addEventListener('message', resolve, { once: true }));
  worker.postMessage('hang');
  await hung;
  let held: AbortSignal | undefined;
  await tabs.lead(async (its) => void (held = its), new AbortController().signal, 'steal');
  expect(held).toBeDefined();
});

test('a worker hears the page, and the page the worker', async () => {
  const name = crypto.randomUUID();
  const { worker, leads } = startLeader(name);
  onTestFinished(() => worker.terminate());
  await leads;
  const tabs = openTabs({ name, platform: globalThis });
  onTestFinished(() => tabs.close());
  const heard = new Promise<TabMessage>((resolve) => tabs.hear(resolve));
  tabs.announce({ kind: 'pause', paused: true });
  // The worker answers every message with its opposite.
  expect(await heard).toEqual({ kind: 'pause', paused: false });
});

test('nothing is left behind: no lock is held or waited for', async () => {
  const name = crypto.randomUUID();
  const [alice, bob] = [openTabs({ name, platform: globalThis }), openTabs({ name, platform: globalThis })];
  const never = new AbortController().signal;
  const ended: Promise<void>[] = [];
  await new Promise<void>((resolve) => {
    const until = new Promise<void>((end) => onTestFinished(() => end()));
    ended.push(alice.lead(() => (resolve(), Promise.race([until, turn()])), never));
  });
  ended.push(bob.lead(async () => undefined, never));
  alice.close();
  bob.close();
  await Promise.all(ended);
  expect(await holders(name)).toEqual([]);
});

test('messages of another version, and other things, are passed over', async () => {
  const name = crypto.randomUUID();
  const tabs = openTabs({ name, platform: globalThis });
  const stranger = new BroadcastChannel(name);
  onTestFinished(() => {
    tabs.close();
    stranger.close();
  });
  const heard: TabMessage[] = [];
  const known = new Promise<void>((resolve) => {
    tabs.hear((message) => {
      heard.push(message);
      resolve();
    });
  });
  const message: TabMessage = { kind: 'leader', term: 1 };
  for (const other of [null, 7, 'text', {}, { v: 2, message }, { v: '1', message }, { v: 1 }])
    stranger.postMessage(other);
  stranger.postMessage({ v: 1, message, added: 'by a newer release' });
  await known;
  expect(heard).toEqual([message]);
});

test('without locks every tab leads for itself, and says so', async () => {
  const platform: TabsPlatform = { navigator: {}, BroadcastChannel };
  const name = crypto.randomUUID();
  const [alice, bob] = [openTabs({ name, platform }), openTabs({ name, platform })];
  expect(alice.exclusive).toBe(false);
  let leading = 0;
  const both = Promise.withResolvers<void>();
  const lead = async (): Promise<void> => {
    leading += 1;
    if (leading === 2) both.resolve();
    await both.promise;
  };
  const never = new AbortController().signal;
  await Promise.all([alice.lead(lead, never), bob.lead(lead, never)]);
  expect(leading).toBe(2);
  alice.close();
  bob.close();
});

/** A worker that leads until it is terminated, and answers every `pause` with its opposite. */
function startLeader(name: string): { readonly worker: Worker; readonly leads: Promise<void> } {
  const worker = new Worker(new URL('./leader.test-worker.ts', import.meta.url), { type: 'module', name });
  const leads = new Promise<void>((resolve, reject) => {
    worker.addEventListener('message', () => resolve(), { once: true });
    worker.addEventListener('error', () => reject(new Error('the worker did not start')), { once: true });
  });
  return { worker, leads };
}

async function holders(name: string): Promise<readonly LockInfo[]> {
  const { held, pending } = await navigator.locks.query();
  return [held, pending].flatMap((locks) => locks ?? []).filter((lock) => lock.name === name);
}

/** A turn of the event loop, in which messages posted before have arrived. */
function turn(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.addEventListener('message', () => {
      port1.close();
      resolve();
    });
    port1.start();
    port2.postMessage(null);
  });
}
