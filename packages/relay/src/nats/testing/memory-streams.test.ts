import { createTestWorld, gather, mulberry32 } from '@godwit/core/testing';
import { expect, test } from 'vitest';
import type { StoredMessage } from '../stream.ts';
import { createMemoryHost } from './memory-streams.ts';
import { streamsContract } from './streams-contract.ts';

streamsContract('in memory', async () => {
  const host = createMemoryHost({ world: createTestWorld() });
  return {
    connect: async () => host.connect(),
    remove: async (stream) => host.remove(stream),
    intrude: async (stream, body) => host.intrude(stream, body),
  };
});

const a = { head: 'a', body: new Uint8Array() };

async function begin() {
  const world = createTestWorld();
  const host = createMemoryHost({ world });
  const streams = host.connect();
  const stream = streams.stream('room');
  await stream.create('');
  return { world, host, streams, stream };
}

test('an append whose answer is lost may be stored, at once or late, or not', async () => {
  const { world, host, stream } = await begin();
  for (const [fault, atOnce, late] of [
    ['lost', 0, 0],
    ['stored', 1, 1],
    ['late', 1, 2],
  ] as const) {
    host.faults.append = () => fault;
    const behind = host.held('room').length;
    await expect(stream.append(a, behind)).rejects.toMatchObject({ name: 'StorageFailed' });
    expect(host.held('room').length).toBe(atOnce);
    await world.advance(1000);
    expect(host.held('room').length).toBe(late);
  }
});

test('what is late is not stored behind what has come meanwhile', async () => {
  const { world, host, stream } = await begin();
  host.faults.append = () => 'late';
  await expect(stream.append({ ...a, head: 'late' }, 0)).rejects.toMatchObject({ name: 'StorageFailed' });
  host.faults.append = undefined;
  expect(await stream.append(a, 0)).toBe(1);
  await world.advance(1000);
  expect(host.held('room').map(({ head }) => head)).toEqual(['a']);
});

test('a host that is away answers nobody, tells of its return, and goes on telling', async () => {
  const { host, streams, stream } = await begin();
  const [told, returns] = [gather<StoredMessage>(), gather<void>()];
  stream.follow(1, told.add, () => undefined);
  streams.onReturn(returns.add);
  host.leave();
  await expect(streams.ready()).rejects.toMatchObject({ name: 'StorageFailed' });
  await expect(stream.append(a, 0)).rejects.toMatchObject({ name: 'StorageFailed' });
  expect(returns.items.length).toBe(0);
  host.back();
  await returns.until(1);
  await stream.append(a, 0);
  await told.until(1);
});

test('a relay that is cut off is so alone', async () => {
  const { host, streams, stream } = await begin();
  const others = host.connect().stream('room');
  const told = gather<StoredMessage>();
  stream.follow(1, told.add, () => undefined);
  streams.cut();
  expect(await others.append(a, 0)).toBe(1);
  await expect(stream.newest()).rejects.toMatchObject({ name: 'StorageFailed' });
  expect(told.items).toEqual([]);
  streams.mend();
  await told.until(1);
});

test('a host that has lost its newest messages gives their numbers again, and nobody hears a number twice', async () => {
  const { host, stream } = await begin();
  const told = gather<StoredMessage>();
  stream.follow(1, told.add, () => undefined);
  for (const behind of [0, 1, 2]) await stream.append(a, behind);
  await told.until(3);
  host.leave();
  host.back(2);
  expect(await stream.newest()).toEqual({ number: 1, head: 'a' });
  for (const behind of [1, 2, 3]) await stream.append({ ...a, head: 'b' }, behind);
  const numbers = (await told.until(4)).map(({ number, head }) => [number, head]);
  expect(numbers).toEqual([
    [1, 'a'],
    [2, 'a'],
    [3, 'a'],
    [4, 'b'],
  ]);
});

test('followers hear late and in order, and the newest message is told at once', async () => {
  const { world, host, stream } = await begin();
  const random = mulberry32(7);
  host.faults.followMs = () => random() * 1000;
  const told = gather<StoredMessage>();
  stream.follow(1, told.add, () => undefined);
  for (let behind = 0; behind < 20; behind += 1) await stream.append(a, behind);
  expect((await stream.newest())?.number).toBe(20);
  expect(told.items).toEqual([]);
  await world.advance(30_000);
  expect(told.items.map(({ number }) => number)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
});
