// A channel behind its stub: what crosses the border, what a stream leaves behind, and what a restart keeps.
import { env } from 'cloudflare:workers';
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { isFailure, type CloudEvent } from '@godwit/core';
import type { Channel, ChannelStat } from '@godwit/core/feed';
import { expect, test } from 'vitest';
import { createObjectChannels } from './channels.ts';

const channels = createObjectChannels(env.CHANNELS);
const live = { after: 'latest', types: [], heartbeat: true };

test('events cross the border to the object and back, in the order of the batch', async () => {
  const channel = channels.channel('border');
  const refused = { id: 'x', failure: { name: 'InvalidEvent', message: 'it has no type' } } as const;
  const results = await channel.append([{ event: eventOf('a') }, { refused }, { event: eventOf('a') }]);
  expect(results).toMatchObject([
    { id: 'a', status: 'appended' },
    { id: 'x', status: 'refused', failure: refused.failure },
    { id: 'a', status: 'duplicate' },
  ]);
  const page = await channel.page({ after: 'earliest', types: [], limit: 10, waitMs: 0 });
  expect(page.events.map((json) => Object(JSON.parse(json)).id)).toEqual(['a']);
  expect(await channel.stat()).toMatchObject({ published: 1, duplicates: 1, refused: 1, subscribers: 0 });
});

test('a failure of the object arrives as a failure, with its name', async () => {
  const error: unknown = await channels
    .channel('border')
    .stream({ ...live, after: '§' })
    .catch((error: unknown) => error);
  expect(isFailure(error, 'InvalidOffset')).toBe(true);
});

test('a name that is no channel makes no object', () => {
  expect(() => channels.channel('a/b')).toThrow(expect.objectContaining({ name: 'InvalidChannel' }));
});

test.for([{ heartbeat: true }, { heartbeat: false }])(
  'a stream replays and goes on live, and its subscription ends when it is cancelled: %o',
  async ({ heartbeat }) => {
    const channel = channels.channel(`stream ${heartbeat}`.replace(' ', '-'));
    await channel.append([{ event: eventOf('a') }]);
    const reader = readFrames(await channel.stream({ after: 'earliest', types: [], heartbeat }));
    await reader.until('"id":"a"');
    await channel.append([{ event: eventOf('b') }]);
    await reader.until('"id":"b"');
    expect(await channel.stat()).toMatchObject({ subscribers: 1, delivered: 2 });
    await reader.cancel();
    // The object notices a reader with a heartbeat at the next write.
    await channel.append([{ event: eventOf('c') }]);
    await untilStat(channel, ({ subscribers }) => subscribers === 0);
  },
);

test('an idle stream without a heartbeat releases its subscription as soon as it is cancelled', async () => {
  const channel = channels.channel('idle');
  const reader = readFrames(await channel.stream({ ...live, heartbeat: false }));
  await reader.until('connected');
  expect((await channel.stat()).subscribers).toBe(1);
  await reader.cancel();
  await untilStat(channel, ({ subscribers }) => subscribers === 0);
});

test('an object that restarts keeps what it acknowledged, and its streams end', async () => {
  const channel = channels.channel('restart');
  await channel.append([{ event: eventOf('a') }]);
  const { head } = await channel.stat();
  const reader = readFrames(await channel.stream({ ...live, heartbeat: false }));
  await reader.until('connected');
  const abort = runInDurableObject(env.CHANNELS.getByName('restart'), (_, ctx) => ctx.abort('a new release'));
  await expect(abort).rejects.toThrow('a new release');
  await reader.ended();
  expect(await channel.stat()).toMatchObject({ published: 1, head, subscribers: 0 });
  expect(await channel.append([{ event: eventOf('a') }, { event: eventOf('b') }])).toMatchObject([
    { status: 'duplicate', offset: head },
    { status: 'appended' },
  ]);
});

test('a removed channel stores nothing, and its readers are told of the gap', async () => {
  const channel = channels.channel('removed');
  await channel.append([{ event: eventOf('a') }]);
  const { head } = await channel.stat();
  const reader = readFrames(await channel.stream({ ...live, after: head }));
  await reader.until('connected');
  expect(await channel.remove()).toBe(true);
  expect(await channel.remove()).toBe(false);
  await reader.until('event: gap');
  const stored = await runInDurableObject(env.CHANNELS.getByName('removed'), async (_, { storage }) => ({
    tables: storage.sql.exec(`SELECT name FROM sqlite_schema WHERE name IN ('channel', 'segments')`).toArray(),
    alarm: await storage.getAlarm(),
  }));
  expect(stored).toEqual({ tables: [], alarm: null });
  await reader.cancel();
});

test('what is appended while the channel is being removed has an alarm of its own', async () => {
  const stub = env.CHANNELS.getByName('removed-in-between');
  const channel = channels.channel('removed-in-between');
  await channel.append([{ event: eventOf('a') }]);
  const reader = readFrames(await channel.stream(live));
  await reader.until('connected');
  const held = await runInDurableObject(stub, async (object, { storage }) => {
    const removing = object.remove('removed-in-between');
    const appends = Array.from({ length: 8 }, (_, index) =>
      object.append('removed-in-between', [{ event: eventOf(`${index}`) }]),
    );
    await Promise.all([removing, ...appends]);
    return { alarm: await storage.getAlarm() };
  });
  expect((await channel.stat()).published).toBe(8);
  expect(held.alarm).toBeGreaterThan(Date.now());
  await reader.cancel();
});

test('an alarm waits only where something is held, and is set again while something is', async () => {
  const channel = channels.channel('alarm');
  const stub = env.CHANNELS.getByName('alarm');
  const alarm = (): Promise<number | null> => runInDurableObject(stub, (_, { storage }) => storage.getAlarm());
  await channel.stat();
  expect(await alarm()).toBeNull();
  await channel.append([{ event: eventOf('a') }]);
  const first = await alarm();
  expect(first).toBeGreaterThan(Date.now());
  await channel.append([{ event: eventOf('b') }]);
  expect(await alarm()).toBe(first);
  expect(await runDurableObjectAlarm(stub)).toBe(true);
  expect(await alarm()).toBeGreaterThan(Date.now());
  expect((await channel.stat()).published).toBe(2);
});

function eventOf(id: string): CloudEvent {
  return { specversion: '1.0', id, source: '/alice', type: 'todo.added' };
}

async function untilStat(channel: Channel, fits: (stat: ChannelStat) => boolean): Promise<void> {
  await expect.poll(async () => fits(await channel.stat()), { interval: 5 }).toBe(true);
}

/** Reads a stream as text. */
function readFrames(stream: ReadableStream<Uint8Array>) {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = '';
  return {
    async until(part: string): Promise<void> {
      while (!text.includes(part)) {
        const { done, value } = await reader.read();
        if (done) throw new Error(`the stream ended before "${part}" came: ${text}`);
        text += decoder.decode(value, { stream: true });
      }
    },
    async ended(): Promise<void> {
      try {
        while (!(await reader.read()).done);
      } catch {
        // Cut, not ended: all the same to whoever reads.
      }
    },
    cancel: () => reader.cancel(),
  };
}
