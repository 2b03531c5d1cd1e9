// What a page may say of the disk: how much waits on it, how sure it is, and that the browser may not take it away.
import { gather, untilStatus } from '@godwit/core/testing';
import { commands } from 'vitest/browser';
import { expect, onTestFinished, test, vi } from 'vitest';
import { freshName, open, workerThat } from './test/tab.ts';

test('an outbox that is full refuses by name, in every tab of the device, keeps what it has, and takes more once that is sent', async () => {
  const relay = await commands.openRelay();
  onTestFinished(() => commands.killRelay(relay));
  const options = { name: freshName(), relay, outbox: { eventsMax: 3 } };
  const [alice, other] = [await open(options), await open(options)];
  alice.pause();
  await Promise.all([alice, other].map(({ status }) => untilStatus(status, (is) => is.connection === 'paused')));
  const waiting = await Promise.all(['a', 'b', 'c'].map((text) => alice.publish('note.added', { text })));
  await untilStatus(other.status, ({ pending }) => pending === 3);

  for (const tab of [alice, other]) {
    await expect(tab.publish('note.added', { text: 'one too many' })).rejects.toMatchObject({
      name: 'OutboxFull',
      message: expect.stringContaining('3 events'),
    });
    // Who is there hears it, and it never waits.
    await tab.publish('note.added', { text: 'passing by' }, { durable: false });
  }

  alice.resume();
  await Promise.all(waiting.map(({ relayed }) => relayed()));
  await untilStatus(other.status, ({ pending }) => pending === 0);
  await (await other.publish('note.added', { text: 'd' })).relayed();
  const stored: string[] = [];
  for await (const { data } of alice.events('note.added', { order: 'relay' })) if (stored.push(data.text) === 4) break;
  expect(stored).toEqual(['a', 'b', 'c', 'd']);
});

test('a disk of few bytes refuses by bytes, and one event that alone is too many is not stored either', async () => {
  // What a page has not set is as if it were not said.
  const channels = [{ name: 'board', from: undefined }];
  const alice = await open({
    name: freshName(),
    relay: '/nowhere',
    outbox: { eventsMax: undefined, bytesMax: 1000 },
    channels,
  });
  await alice.publish('note.added', { text: 'small' });
  await expect(alice.publish('note.added', { text: 'x'.repeat(1000) })).rejects.toMatchObject({ name: 'OutboxFull' });
  // Its status may be a moment behind.
  await untilStatus(alice.status, ({ pending }) => pending === 1);
});

test('what is published into a hundred channels costs the disk no more for each than into a few', async () => {
  const relay = await commands.openRelay();
  onTestFinished(() => commands.killRelay(relay));
  const told = new BroadcastChannel(freshName());
  onTestFinished(() => told.close());
  let transactions = 0;
  told.addEventListener('message', () => (transactions += 1));
  const alice = await open({ name: freshName(), relay, worker: () => workerThatTells(told.name, '"readonly"') });
  await untilStatus(alice.status, ({ connection }) => connection === 'online');
  const rooms = Array.from({ length: 100 }, (_, n) => `room:${n}`);
  await Promise.all(rooms.map((channel) => alice.publish('note.added', { text: 'fly' }, { channel })));
  await alice.flush();
  // Each of them was looked for in all of them, which made eight hundred for each.
  expect(transactions / rooms.length).toBeLessThan(100);
}, 60_000);

for (const durability of ['relaxed', 'strict'] as const) {
  test(`with \`durability: '${durability}'\` every transaction that writes is ${durability}`, async () => {
    const told = new BroadcastChannel(freshName());
    onTestFinished(() => told.close());
    const seen = gather<string>();
    told.addEventListener('message', ({ data }: MessageEvent<string>) => seen.add(data));
    const alice = await open({ name: freshName(), durability, worker: () => workerThatTells(told.name) });
    const handled = gather<string>();
    alice.handle('note.added', 'index', ({ data }) => handled.add(data.text));
    await alice.publish('note.added', { text: 'fly' });
    await handled.until(1);
    await seen.until(2);
    expect(new Set(seen.items)).toEqual(new Set([durability]));
  });
}

test('with `persist` the browser is asked once not to throw the log away, and its answer holds nothing up', async () => {
  const asked = vi.spyOn(StorageManager.prototype, 'persist');
  onTestFinished(() => asked.mockRestore());
  await open({ name: freshName() });
  expect(asked).not.toHaveBeenCalled();
  // A browser that asks its user answers when that one does.
  asked.mockReturnValueOnce(new Promise<never>(() => undefined));
  const alice = await open({ name: freshName(), persist: true });
  await alice.publish('note.added', { text: 'fly' });
  expect(asked).toHaveBeenCalledTimes(1);
});

/** The shipped worker, which tells the durability of each of its transactions that writes, or that reads. */
function workerThatTells(name: string, mode = '"readwrite"'): Worker {
  const tells = `const told = new BroadcastChannel("${name}");
    const { transaction } = IDBDatabase.prototype;
    IDBDatabase.prototype.transaction = function (...args) {
      const begun = transaction.apply(this, args);
      if (begun.mode === ${mode}) told.postMessage(begun.durability);
      return begun;
    };`;
  return workerThat(tells);
}
