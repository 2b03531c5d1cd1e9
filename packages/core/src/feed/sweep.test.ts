// Retention where nobody comes by: of all channels of a process, one at a time.
import { expect, test } from 'vitest';
import { createMemoryLogs } from '../memory/log.ts';
import { Failure } from '../failure.ts';
import type { Logs } from '../ports/log.ts';
import type { RetentionRule } from '../protocol/retention.ts';
import { defaultLimits } from '../protocol/limits.ts';
import { createTestWorld, type TestWorld } from '../testing/world.ts';
import { createChannels, type ServedChannels } from './channels.ts';
import { eventOf, items, range } from './test/reading.ts';

const hourMs = 60 * 60 * 1000;

interface SweptWorld {
  readonly world: TestWorld;
  readonly logs: Logs;
  readonly channels: ServedChannels;
  readonly reported: Failure[];
  readonly opened: string[];
  /** The most logs that were open at once. */
  readonly most: () => number;
}

/** Channels whose events last a day, over logs that may hold some already. */
async function create(
  held: readonly string[] = [],
  change: (logs: Logs) => Logs = (logs) => logs,
  retention: readonly RetentionRule[] = [],
): Promise<SweptWorld> {
  const world = createTestWorld();
  const memory = createMemoryLogs(world);
  for (const name of held) {
    const log = await memory.open(name);
    await log.append([eventOf('old')], 0);
    await log.close();
  }
  const opened: string[] = [];
  const reported: Failure[] = [];
  let open = 0;
  let most = 0;
  const logs: Logs = change({
    ...memory,
    async open(name) {
      opened.push(name);
      const log = await memory.open(name);
      open += 1;
      most = Math.max(most, open);
      return { ...log, close: () => ((open -= 1), log.close()) };
    },
  });
  const limits = { ...defaultLimits, retentionMs: 24 * hourMs };
  const channels = createChannels({ logs, world, limits, retention, report: (failure) => reported.push(failure) });
  return { world, logs: memory, channels, reported, opened, most: () => most };
}

async function heldIn({ logs }: SweptWorld, name: string): Promise<number> {
  const { head, tail } = await (await logs.open(name)).stat();
  return head - tail + 1;
}

test('a channel that nobody uses any more loses what is too old within an hour', async () => {
  const swept = await create();
  await swept.channels.channel('room:1').append(items(eventOf('1')));
  await swept.world.advance(24 * hourMs);
  expect(await heldIn(swept, 'room:1')).toBe(1);
  await swept.world.advance(hourMs);
  expect(await heldIn(swept, 'room:1')).toBe(0);
});

test('a relay that comes back trims thousands of channels at once, one after the other, and keeps none open', async () => {
  const names = range(1, 3000).map((number) => `room:${number}`);
  const swept = await create(names);
  swept.world.setClock(swept.world.now() + 48 * hourMs);
  await swept.world.advance(0);
  expect(swept.opened).toEqual(names);
  expect(swept.most()).toBe(1);
  for (const name of ['room:1', 'room:3000']) expect(await heldIn(swept, name)).toBe(0);
  // What is empty costs a look at its numbers, hour after hour, and that is all.
  expect(swept.world.timers).toBe(1);
});

test('each channel has a turn of its own', async () => {
  const swept = await create(['a', 'b', 'c']);
  await swept.world.settle();
  expect(swept.opened).toEqual([]);
  await swept.world.advance(0);
  expect(swept.opened).toEqual(['a', 'b', 'c']);
});

test('a log that cannot be trimmed is reported, and the others are', async () => {
  const swept = await create(['broken', 'whole'], (logs) => ({
    ...logs,
    async open(name) {
      const log = await logs.open(name);
      return name === 'broken' ? { ...log, trim: () => Promise.reject(new Error('the disk is gone')) } : log;
    },
  }));
  swept.world.setClock(swept.world.now() + 48 * hourMs);
  await swept.world.advance(0);
  expect(swept.reported.map(({ message }) => message)).toEqual(['the disk is gone']);
  expect(await heldIn(swept, 'whole')).toBe(0);
});

test('a list that cannot be read is reported, and asked for again in an hour', async () => {
  let tries = 0;
  const swept = await create(['a'], (logs) => ({
    ...logs,
    channels: () => ((tries += 1), tries === 1 ? Promise.reject(new Error('no list')) : logs.channels()),
  }));
  await swept.world.advance(0);
  expect(swept.reported.map(({ message }) => message)).toEqual(['no list']);
  await swept.world.advance(hourMs);
  expect(swept.opened).toEqual(['a']);
});

test('no timer runs where there is no channel, and none is left behind', async () => {
  const swept = await create();
  await swept.world.advance(0);
  expect(swept.world.timers).toBe(0);
  await swept.channels.channel('room:1').append(items(eventOf('1')));
  expect(swept.world.timers).toBeGreaterThan(0);
  await swept.channels.close();
  expect(swept.world.timers).toBe(0);
});

test('closing in the middle of a pass ends it', async () => {
  const swept = await create(
    range(1, 100).map((number) => `room:${number}`),
    (logs) => ({
      ...logs,
      async open(name) {
        if (name === 'room:3') void swept.channels.close();
        return logs.open(name);
      },
    }),
  );
  await swept.world.advance(0);
  expect(swept.opened).toEqual(['room:1', 'room:2', 'room:3']);
  expect([swept.world.timers, swept.reported]).toEqual([0, []]);
});

test('logs that were closed without a word end it too', async () => {
  const swept = await create(['a'], (logs) => ({
    ...logs,
    channels: () => Promise.reject(new Failure('Closed', 'the logs are closed')),
  }));
  await swept.world.advance(0);
  expect([swept.world.timers, swept.reported]).toEqual([0, []]);
});

test('a channel keeps what the first rule says that matches its name, used or not', async () => {
  const swept = await create([], undefined, [
    { channels: 'room:*', retentionMs: hourMs },
    { channels: '*', retentionEvents: 100 },
  ]);
  const { channels, world } = swept;
  for (const name of ['room:1', 'hall']) await channels.channel(name).append(items(eventOf('1')));
  for (const id of range(2, 220)) await channels.channel('hall').append(items(eventOf(String(id))));
  await world.settle();
  const held = await heldIn(swept, 'hall');
  // A sixteenth more at most, and never fewer.
  expect([held >= 100, held <= 107]).toEqual([true, true]);
  await world.advance(2 * hourMs);
  expect(await heldIn(swept, 'room:1')).toBe(0);
  expect(await heldIn(swept, 'hall')).toBeGreaterThanOrEqual(100);
  await world.advance(24 * hourMs);
  expect(await heldIn(swept, 'hall')).toBe(0);
});
