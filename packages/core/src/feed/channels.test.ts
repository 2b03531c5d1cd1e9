import { expect, test } from 'vitest';
import { createMemoryLogs } from '../memory/log.ts';
import type { Logs } from '../ports/log.ts';
import { defaultLimits } from '../protocol/limits.ts';
import { createTestWorld } from '../testing/world.ts';
import { createChannels, type ServedChannels } from './channels.ts';
import { eventOf, items, range, readFrom } from './test/reading.ts';

/** Channels on memory logs, and how many logs of them are open. */
function make(): { readonly channels: ServedChannels; open(): number } {
  const world = createTestWorld();
  const logs = createMemoryLogs(world);
  let open = 0;
  const counted: Logs = {
    ...logs,
    async open(channel) {
      const log = await logs.open(channel);
      open += 1;
      return { ...log, close: () => ((open -= 1), log.close()) };
    },
  };
  const channels = createChannels({ logs: counted, world, limits: defaultLimits, report: () => undefined });
  return { channels, open: () => open };
}

test('a channel is there when it is asked for, and listed once it holds something', async () => {
  const { channels, open } = make();
  const room = channels.channel('room:1');
  expect(open()).toBe(0);
  expect((await room.stat()).published).toBe(0);
  expect(await channels.list()).toEqual([]);
  await room.append(items(eventOf('1')));
  expect(await channels.list()).toEqual(['room:1']);
  expect((await channels.channel('room:1').stat()).published).toBe(1);
});

test('a channel that holds nothing is listed while it is read', async () => {
  const { channels } = make();
  await channels.channel('b').append(items(eventOf('1')));
  const readers = [await readFrom(channels.channel('a')), await readFrom(channels.channel('b'))];
  await readFrom(channels.channel('c'));
  await channels.channel('a').append(items(eventOf('1', { ephemeral: true })));
  expect(await channels.list()).toEqual(['a', 'b', 'c']);
  expect(await channels.channel('a').stat()).toMatchObject({ published: 0, delivered: 1, subscribers: 1 });
  await channels.channel('b').remove();
  expect(await channels.list()).toEqual(['a', 'b', 'c']);
  for (const reader of readers) await reader.cancel();
  expect(await channels.list()).toEqual(['c']);
});

test('a bad name is refused at once', () => {
  expect(() => make().channels.channel('room/1')).toThrow(expect.objectContaining({ name: 'InvalidChannel' }));
});

test('idle channels are let go, those with readers stay, and nothing is forgotten', async () => {
  const { channels, open } = make();
  const reader = await readFrom(channels.channel('watched'));
  await channels.channel('counted').append(items(eventOf('1')));
  const counted = await readFrom(channels.channel('counted'), { after: 'earliest' });
  expect(await counted.ids(1)).toEqual(['1']);
  await counted.cancel();
  for (const number of range(1, 1500)) await channels.channel(`room:${number}`).append(items(eventOf('1')));
  expect(open()).toBeLessThanOrEqual(1000);
  await channels.channel('watched').append(items(eventOf('1')));
  expect(await reader.ids(1)).toEqual(['1']);
  expect(await channels.channel('counted').stat()).toMatchObject({ published: 1, delivered: 1 });
});

test('to ask for the numbers of all channels makes no feed, and no channel loses its counts over it', async () => {
  const { channels, open } = make();
  const counted = channels.channel('counted');
  await counted.append(items(eventOf('1')));
  await counted.page({ after: 'earliest', limit: 10, waitMs: 0, types: [] });
  const before = await counted.stat();
  expect(before).toMatchObject({ published: 1, delivered: 1 });
  for (const number of range(1, 12_000)) {
    expect((await channels.channel(`room:${number}`).stat()).published).toBe(0);
  }
  expect(open()).toBe(1);
  expect(await counted.stat()).toEqual(before);
});

test('draining and closing reach every channel, also those asked for later', async () => {
  const { channels, open } = make();
  const reader = await readFrom(channels.channel('room:1'));
  channels.drain(() => 10);
  expect((await reader.rest()).map(({ frame }) => frame.kind)).toEqual(['drain']);
  await expect(channels.channel('room:2').append(items(eventOf('1')))).rejects.toMatchObject({ name: 'Draining' });
  await channels.close();
  expect(open()).toBe(0);
  await expect(channels.channel('room:3').stat()).rejects.toMatchObject({ name: 'Closed' });
});
