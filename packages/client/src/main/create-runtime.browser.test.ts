import type { Failure } from '@godwit/core';
import { createTestLogger, gather, untilStatus } from '@godwit/core/testing';
import { deleteDB } from 'idb';
import { commands } from 'vitest/browser';
import { expect, onTestFinished, test, vi } from 'vitest';
import { databaseName } from '../storage/schema.ts';
import { createRuntime } from './create-runtime.ts';
import type { RuntimeOptions } from './options.ts';
import { events, freshName, mortalWorkers, open, workerWithoutDatabase } from './test/tab.ts';

test('an event that is published in one tab is heard in it and in another, without any relay', async () => {
  const name = freshName();
  const [alice, bob] = [await open({ name }), await open({ name })];
  const [atAlice, atBob] = [gather<string>(), gather<string>()];
  alice.on('note.added', ({ data }) => atAlice.add(data.text));
  bob.on('note.added', ({ data }) => atBob.add(data.text));
  const receipts = await Promise.all(['fly', 'land'].map((text) => alice.publish('note.added', { text })));
  expect(receipts[0]?.position).toBeLessThan(receipts[1]?.position ?? 0);
  expect(await atAlice.until(2)).toEqual(['fly', 'land']);
  expect(await atBob.until(2)).toEqual(['fly', 'land']);
  expect(alice.status.get()).toMatchObject({ storage: 'indexeddb', connection: 'none', pending: 0 });
  expect(bob.status.get().deviceId).toBe(alice.status.get().deviceId);
});

test('two users of one browser share neither log nor device', async () => {
  const name = freshName();
  const [alice, bob] = [await open({ name, user: 'alice' }), await open({ name, user: 'bob' })];
  const atBob = gather<string>();
  bob.on('note.added', ({ data }) => atBob.add(data.text));
  await alice.publish('note.added', { text: 'hers' });
  await bob.publish('note.added', { text: 'his' });
  expect(await atBob.until(1)).toEqual(['his']);
  expect(bob.status.get().deviceId).not.toBe(alice.status.get().deviceId);
});

test('a payload that breaks its schema is refused on this thread, by name and place', async () => {
  const alice = await open({ name: freshName() });
  await expect(alice.publish('note.added', { text: 'x', at: new Date() } as { text: string })).rejects.toMatchObject({
    name: 'InvalidPayload',
    message: expect.stringContaining('`at` is an instance of Date'),
  });
});

test('a publish after close is refused by name', async () => {
  const alice = await open({ name: freshName() });
  await alice.close();
  await expect(alice.publish('note.added', { text: 'too late' })).rejects.toMatchObject({ name: 'Closed' });
});

test('closing leaves no worker, no lock, no channel and no timer behind', async () => {
  const { made, alive, worker } = mortalWorkers();
  const name = freshName();
  // No relay is there, but somebody leads all the same.
  const alice = await open({ name, worker, relay: '/nowhere' });
  await untilStatus(alice.status, ({ role, connection }) => role === 'leader' && connection === 'offline');
  expect(await locksOf(name)).toContain(databaseName(name, ''));
  await alice.close();
  expect(made).toHaveLength(1);
  expect(alive.size).toBe(0);
  await vi.waitFor(async () => expect(await locksOf(name)).toEqual([]), { timeout: 20_000 });
  // Nothing holds the database open: a deletion is not blocked.
  const blocked = vi.fn<() => void>();
  await deleteDB(databaseName(name, ''), { blocked });
  expect(blocked).not.toHaveBeenCalled();
});

test('closing leaves no timer in the page, and nobody who listens to its window or document', async () => {
  const timers = new Set<unknown>();
  const { setTimeout: set } = globalThis;
  const setting = vi.spyOn(globalThis, 'setTimeout');
  setting.mockImplementation((ring: TimerHandler, ms?: number) => {
    const timer = set(() => {
      timers.delete(timer);
      if (typeof ring === 'function') ring();
    }, ms);
    timers.add(timer);
    return timer;
  });
  const clearing = vi.spyOn(globalThis, 'clearTimeout');
  const toWindow = vi.spyOn(globalThis, 'addEventListener');
  const toDocument = vi.spyOn(document, 'addEventListener');
  const fromDocument = vi.spyOn(document, 'removeEventListener');
  onTestFinished(() => void vi.restoreAllMocks());

  const alice = await open({ name: freshName(), relay: '/nowhere' });
  alice.handle('note.added', 'index', () => undefined, { timeoutMs: 60_000 });
  await alice.publish('note.added', { text: 'fly' });
  expect(timers.size).toBeGreaterThan(0);
  const heard = toWindow.mock.calls.map(([type, , options]) => [type, signalOf(options)?.aborted]);
  expect(heard).toEqual(
    expect.arrayContaining([
      ['pagehide', false],
      ['online', false],
    ]),
  );
  const seen = toDocument.mock.calls.map(([type, listener]) => [type, listener]);
  expect(seen.map(([type]) => type)).toContain('visibilitychange');

  await alice.close();
  const cleared = (): ReadonlySet<unknown> => new Set(clearing.mock.calls.map(([timer]) => timer));
  await vi.waitFor(() => expect([...timers].filter((timer) => !cleared().has(timer))).toEqual([]), { timeout: 20_000 });
  expect(toWindow.mock.calls.filter(([, , options]) => signalOf(options)?.aborted !== true)).toEqual([]);
  expect(fromDocument.mock.calls.map(([type, listener]) => [type, listener])).toEqual(expect.arrayContaining(seen));
});

test('closing stores what was handed in, and ends the connection', async () => {
  const relay = await commands.openRelay();
  onTestFinished(() => commands.killRelay(relay));
  const name = freshName();
  const alice = await open({ name, relay });
  await untilStatus(alice.status, ({ connection }) => connection === 'online');
  expect(await commands.subscribers(relay, 'default')).toBe(1);
  const published = Promise.all(['fly', 'rest'].map((text) => alice.publish('note.added', { text })));
  await alice.close();
  const [first] = await published;
  await vi.waitFor(async () => expect(await commands.subscribers(relay, 'default')).toBe(0), { timeout: 20_000 });
  await expect(first?.relayed()).rejects.toMatchObject({ name: 'Closed' });
  const again = await open({ name });
  const stored: string[] = [];
  for await (const { data } of again.events('note.added', { live: false })) stored.push(data.text);
  expect(stored.slice(0, 2)).toEqual(['fly', 'rest']);
});

test('where the browser has no database, it works in memory, and says so', async () => {
  const reports = gather<Failure>();
  const name = freshName();
  const [alice, bob] = [
    await open({ name, worker: workerWithoutDatabase, logger: createTestLogger(), report: reports.add }),
    await open({ name, worker: workerWithoutDatabase, relay: '/nowhere', logger: createTestLogger() }),
  ];
  const heard = gather<string>();
  alice.on('note.added', ({ data }) => heard.add(data.text));
  await alice.publish('note.added', { text: 'for now' });
  expect(await heard.until(1)).toEqual(['for now']);
  expect(alice.status.get().storage).toBe('memory');
  expect(await reports.until(1)).toMatchObject([
    { name: 'StorageFailed', message: expect.stringContaining('lost with the tab') },
  ]);
  // A log of one tab has an election of its own: else nobody would ever send what is in it.
  await alice.close();
  await untilStatus(bob.status, ({ role }) => role === 'leader');
});

test('the token function is asked on this thread, and when it fails, the status says that a token is needed', async () => {
  const reports = gather<Failure>();
  const alice = await open({
    name: freshName(),
    relay: '/nowhere',
    logger: createTestLogger(),
    report: reports.add,
    token() {
      throw new Error(`no session in ${typeof document}`);
    },
  });
  await untilStatus(alice.status, ({ connection }) => connection === 'needs-auth');
  expect((await reports.until(1))[0]).toMatchObject({
    name: 'Unauthenticated',
    message: expect.stringContaining('no session in object'),
  });
  // What is published meanwhile is stored all the same.
  await alice.publish('note.added', { text: 'for later' });
  expect(alice.status.get().pending).toBe(1);
});

test('a failure that nobody awaits goes to the console, or to the logger given, and beside it to the reporter', async () => {
  const console_ = vi.spyOn(console, 'error').mockReturnValue();
  onTestFinished(() => console_.mockRestore());
  const [logger, reports] = [createTestLogger(), gather<Failure>()];
  const name = freshName();
  const tabs = [await open({ name, logger: undefined }), await open({ name, logger, report: reports.add })];
  for (const tab of tabs) {
    tab.on('note.added', () => {
      throw new Error('mine alone');
    });
  }
  await tabs[0]?.publish('note.added', { text: 'fly' });
  const [failure] = await reports.until(1);
  expect(logger.lines).toEqual([{ level: 'error', message: failure?.message, fields: { failure } }]);
  await vi.waitFor(() => expect(console_).toHaveBeenCalledTimes(1), { timeout: 20_000 });
  expect(console_).toHaveBeenCalledWith(expect.stringContaining('mine alone'), { failure: expect.any(Error) });
});

test('options that cannot work are refused before anything is started', async () => {
  const made = vi.fn<() => Worker>();
  const wrong: readonly Partial<RuntimeOptions<typeof events>>[] = [
    { name: '' },
    { relay: 'ftp://relay.example' },
    { relay: 'http://' },
    { channels: [] },
    { channels: Array.from({ length: 101 }, (_, n) => `room:${n}`) },
    { channels: ['room', { name: 'room' }] },
    { outbox: { eventsMax: -1 } },
    { retention: { ageMs: Number.NaN } },
    // Plain JavaScript: each character a channel, a memory that was not asked for, a call of what is no function.
    { channels: JSON.parse('"board"') },
    { durability: JSON.parse('"fsync"') },
    { token: JSON.parse('"eyJhbGciOi"') },
    { worker: JSON.parse('"/worker.js"') },
    { relay: JSON.parse('null') },
    { channels: JSON.parse('[{ "name": "board", "from": "lates" }]') },
    { credentials: JSON.parse('"inlcude"') },
    { report: JSON.parse('true') },
    { logger: JSON.parse('{ "log": true }') },
    { events: JSON.parse('{ "note.added": {} }') },
    { tasks: JSON.parse('{ "scheduler": "parallel" }') },
    { signal: JSON.parse('{ "signal": {} }') },
    { telemetry: JSON.parse('true') },
  ];
  for (const part of wrong) {
    await expect(createRuntime({ name: 'x', events, worker: made, ...part })).rejects.toMatchObject({
      name: 'InvalidOptions',
    });
  }
  await expect(createRuntime({ name: 'x', events, worker: made, channels: ['no spaces'] })).rejects.toMatchObject({
    name: 'InvalidChannel',
  });
  await expect(
    createRuntime({ name: 'x', events, worker: made, channels: JSON.parse('[null]') }),
  ).rejects.toMatchObject({ name: 'InvalidChannel' });
  expect(made).not.toHaveBeenCalled();
});

function signalOf(options: boolean | AddEventListenerOptions | undefined): AbortSignal | undefined {
  return typeof options === 'object' ? options.signal : undefined;
}

async function locksOf(name: string): Promise<readonly string[]> {
  const { held, pending } = await navigator.locks.query();
  return [held, pending]
    .flatMap((locks) => locks ?? [])
    .map((lock) => lock.name ?? '')
    .filter((lock) => lock.startsWith(databaseName(name, '')));
}
