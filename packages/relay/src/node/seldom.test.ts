import { Failure } from '@godwit/core';
import { createTestWorld } from '@godwit/core/testing';
import { expect, test } from 'vitest';
import { seldom } from './seldom.ts';

function create() {
  const world = createTestWorld();
  const told: unknown[] = [];
  const { tell, stop } = seldom(
    (error, fields, level) => told.push([(error as Failure).message, fields, level]),
    world,
  );
  const trouble = (message: string, its: object): void => {
    tell(new Failure('StorageFailed', message, { cause: Object.assign(new Error('no'), its) }), { channel: message });
  };
  return { world, told, tell, stop, trouble };
}

test('a trouble of the disk is told at once, and then once a minute, whatever it was met at, with how often that was', async () => {
  const { world, told, trouble } = create();
  for (const at of ['a', 'b', 'c']) trouble(at, { errcode: 13 });
  trouble('d', { errcode: 10 });
  trouble('e', { code: 'ENOSPC' });
  const first = [
    ['a', { channel: 'a' }, undefined],
    ['d', { channel: 'd' }, undefined],
    ['e', { channel: 'e' }, undefined],
  ];
  expect(told).toEqual(first);
  await world.advance(59_999);
  trouble('f', { errcode: 13 });
  await world.advance(1);
  // Also where it is met no more.
  expect(told).toEqual([...first, ['f', { channel: 'f', times: 3 }, undefined]]);
  trouble('g', { errcode: 13 });
  expect(told).toHaveLength(4);
  await world.advance(60_000);
  expect(told.slice(4)).toEqual([['g', { channel: 'g', times: 1 }, undefined]]);
});

test('a trouble that comes back after a quiet minute is told at once', async () => {
  const { world, told, trouble } = create();
  trouble('a', { errcode: 13 });
  await world.advance(60_000);
  expect(world.timers).toBe(0);
  trouble('b', { errcode: 13 });
  expect(told).toEqual([
    ['a', { channel: 'a' }, undefined],
    ['b', { channel: 'b' }, undefined],
  ]);
});

test('what is not told yet when the relay ends is told then', () => {
  const { world, told, stop, trouble } = create();
  for (const at of ['a', 'b', 'c']) trouble(at, { errcode: 13 });
  trouble('d', { errcode: 10 });
  stop();
  expect(told.slice(2)).toEqual([['c', { channel: 'c', times: 2 }, undefined]]);
  expect(world.timers).toBe(0);
  stop();
  expect(told).toHaveLength(3);
  // What comes later still has no minute to wait for.
  for (const at of ['e', 'f']) trouble(at, { errcode: 13 });
  expect(told.slice(3).map((each) => (each as [string])[0])).toEqual(['e', 'f']);
  expect(world.timers).toBe(0);
});

test('what is no trouble of the disk is told each time', () => {
  const { told, tell } = create();
  for (const name of ['StorageFailed', 'Internal', 'StorageFailed', 'Internal'] as const) {
    tell(new Failure(name, name), {}, 'warn');
  }
  expect(told).toEqual(
    ['StorageFailed', 'Internal', 'StorageFailed', 'Internal'].map((message) => [message, {}, 'warn']),
  );
});
