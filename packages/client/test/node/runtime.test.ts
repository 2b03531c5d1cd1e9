import { createTestLogger, gather, untilStatus } from '@godwit/core/testing';
import { defineEvents, payload, type Failure, type Runtime } from '@godwit/core';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createRuntime, type RuntimeOptions } from '../../src/node/index.ts';
import { startTestRelay } from '../relay.ts';
import { freshFile } from './device.ts';
import { startProcess } from './process.ts';

const events = defineEvents({
  'note.added': payload<{ readonly text: string }>(),
  'burst.stored': payload<{ readonly burst: number; readonly size: number }>(),
});

test('runtimes of one file are tabs of one device, without any relay', async () => {
  const file = await freshFile();
  const [alice, bob] = [await open({ file }), await open({ file })];
  const heard = gather<string>();
  bob.on('note.added', ({ data }) => heard.add(data.text));
  const receipts = await Promise.all(['fly', 'land'].map((text) => alice.publish('note.added', { text })));
  expect(receipts[0]?.position).toBeLessThan(receipts[1]?.position ?? 0);
  expect(await heard.until(2)).toEqual(['fly', 'land']);
  expect(alice.status.get()).toMatchObject({ storage: 'sqlite', connection: 'none', pending: 0 });
  expect(bob.status.get().deviceId).toBe(alice.status.get().deviceId);
});

test('whoever publishes in a loop leaves the thread to others in between: handlers hear, and timers fire', async () => {
  const alice = await open({ file: await freshFile() });
  const heard: string[] = [];
  alice.on('note.added', ({ data }) => heard.push(data.text));
  const turns: string[] = [];
  setImmediate(() => turns.push('over'));
  let published = 0;
  // A turn is had within a few; without one, in a million there is none.
  for (; published < 100 && !(turns.length > 0 && heard.length > 0); published += 1) {
    await alice.publish('note.added', { text: 'fly' });
  }
  expect(published).toBeLessThan(100);
});

test('the device is the same after the process has closed it, and nobody hears again what was heard', async () => {
  const file = await freshFile();
  const before = await open({ file });
  await before.publish('note.added', { text: 'before' });
  const { deviceId } = before.status.get();
  await before.close();
  const after = await open({ file });
  expect(after.status.get().deviceId).toBe(deviceId);
  const heard = gather<string>();
  after.on('note.added', ({ data }) => heard.add(data.text));
  await after.publish('note.added', { text: 'after' });
  expect(await heard.until(1)).toEqual(['after']);
});

test('a durable handler goes on where the one before it was closed, also with what was published meanwhile', async () => {
  const file = await freshFile();
  const handled = gather<string>();
  const openHandling = async (): Promise<Runtime<typeof events>> => {
    const runtime = await open({ file });
    runtime.handle('note.added', 'read-aloud', ({ data }) => handled.add(data.text), { from: 'earliest' });
    return runtime;
  };
  const first = await openHandling();
  await first.publish('note.added', { text: 'one' });
  await first.publish('note.added', { text: 'two' });
  expect(await handled.until(2)).toEqual(['one', 'two']);
  await first.close();
  const without = await open({ file });
  await without.publish('note.added', { text: 'three' });
  await without.close();
  const second = await openHandling();
  await second.publish('note.added', { text: 'four' });
  expect(await handled.until(4)).toEqual(['one', 'two', 'three', 'four']);
});

test('without a file it works in memory, says so, and is a device of its own', async () => {
  const [alice, bob] = [await open({}), await open({})];
  const [atAlice, atBob] = [gather<string>(), gather<string>()];
  alice.on('note.added', ({ data }) => atAlice.add(data.text));
  bob.on('note.added', ({ data }) => atBob.add(data.text));
  await alice.publish('note.added', { text: 'hers' });
  await bob.publish('note.added', { text: 'his' });
  expect(await atAlice.until(1)).toEqual(['hers']);
  expect(await atBob.until(1)).toEqual(['his']);
  expect(alice.status.get().storage).toBe('memory');
  expect(bob.status.get().deviceId).not.toBe(alice.status.get().deviceId);
});

test('a device in memory reaches others through the relay, as one with a file does', async () => {
  const relay = await startTestRelay();
  onTestFinished(() => relay.kill());
  const [alice, bob] = [await open({ relay: relay.url }), await open({ relay: new URL(relay.url) })];
  const heard = gather<string>();
  bob.on('note.added', ({ data, offset }) => heard.add(`${data.text} ${offset === null ? 'early' : 'in order'}`));
  await alice.publish('note.added', { text: 'fly' });
  expect(await heard.until(1)).toEqual(['fly in order']);
  await untilStatus(alice.status, ({ pending }) => pending === 0);
});

test('the token function is asked, and when it fails, the status says that a token is needed', async () => {
  const relay = await startTestRelay();
  onTestFinished(() => relay.kill());
  const alice = await open({
    relay: relay.url,
    logger: createTestLogger(),
    token() {
      throw new Error('no session');
    },
  });
  await untilStatus(alice.status, ({ connection }) => connection === 'needs-auth');
});

test('a failure that nobody awaits goes to the console of the process, and to the reporter if it is final', async () => {
  const console_ = vi.spyOn(console, 'error').mockReturnValue();
  onTestFinished(() => console_.mockRestore());
  const reports = gather<Failure>();
  const alice = await open({ file: await freshFile(), report: reports.add });
  alice.on('note.added', () => {
    throw new Error('mine alone');
  });
  await alice.publish('note.added', { text: 'fly' });
  const [failure] = await reports.until(1);
  expect(console_.mock.calls).toEqual([[failure?.message, { failure }]]);
  expect(failure?.message).toContain('mine alone');
});

test('options that cannot work are refused before anything is opened', async () => {
  const file = await freshFile();
  const wrong: readonly Partial<RuntimeOptions<typeof events>>[] = [
    { file: '' },
    { file: 'a\0b' },
    { file: JSON.parse('7') },
    { durability: JSON.parse('"strict"') },
    // There is no page that it could stand behind.
    { relay: '/relay' },
    { relay: 'ftp://relay.example' },
    { channels: [] },
    { channels: ['room', { name: 'room' }] },
    { events: JSON.parse('null') },
    { tasks: JSON.parse('null') },
    { tasks: { unhandled: JSON.parse('"wran"') } },
    // It would throw for each event, which would be skipped for good.
    { tasks: { hooks: { beforeProcessing: JSON.parse('"decrypt"') } } },
    { tasks: { hooks: { beforeExecuting: JSON.parse('{}') } } },
    // They would bound nothing.
    { outbox: JSON.parse('{ "events": 10 }') },
    { retention: JSON.parse('{ "maxAge": 10 }') },
  ];
  for (const part of wrong) {
    await expect(createRuntime({ file, events, ...part })).rejects.toMatchObject({ name: 'InvalidOptions' });
  }
  await expect(createRuntime({ file, events, channels: ['no spaces'] })).rejects.toMatchObject({
    name: 'InvalidChannel',
  });
  await expect(createRuntime(JSON.parse('null'))).rejects.toMatchObject({ name: 'InvalidOptions' });
  const other = startProcess(['open', file]);
  await other.said('open');
});

test('a file that another process has is refused by name, and the message says what to do', async () => {
  const file = await freshFile();
  const other = startProcess(['open', file]);
  await other.said('open');
  await expect(open({ file })).rejects.toMatchObject({
    name: 'StorageFailed',
    message: expect.stringContaining('give this one a `file` of its own'),
  });
  await other.kill();
  await open({ file });
});

test('a runtime that nobody closes and that has nothing to do lets its process end', async () => {
  const child = startProcess(['idle', await freshFile()]);
  expect(await child.ended).toBe(0);
  expect(child.lines).toEqual(['heard 1']);
});

test('with a relay the process lives, listening, until the runtime is closed, and then ends by itself', async () => {
  const relay = await startTestRelay();
  onTestFinished(() => relay.kill());
  const child = startProcess(['listen', await freshFile(), relay.url]);
  await child.said('listening');
  const alice = await open({ relay: relay.url, channels: ['board'] });
  for (const burst of [1, 2]) {
    await alice.publish('burst.stored', { burst, size: 1 });
    await child.said(`heard ${burst}`);
  }
  child.signal('SIGTERM');
  expect(await child.ended).toBe(0);
});

async function open(options: Omit<RuntimeOptions<typeof events>, 'events'>): Promise<Runtime<typeof events>> {
  const runtime = await createRuntime({ ...options, events });
  onTestFinished(() => runtime.close());
  return runtime;
}
