import { Failure } from '@godwit/core';
import { createTestWorld } from '@godwit/core/testing';
import { expect, test } from 'vitest';
import { seldom } from './seldom.ts';

function create() {
  const world = createTestWorld();
  const told: unknown[] = [];
  const tell = seldom((error, fields, level) => told.push([(error as Failure).message, fields, level]), world);
  const trouble = (message: string, its: object): void => {
    tell(new Failure('StorageFailed', message, { cause: Object.assign(new Error('no'), its) }), { channel: message });
  };
  return { world, told, tell, trouble };
}

test('a trouble of the disk is told once a minute, whatever it was met at, with how often that was', async () => {
  const { world, told, trouble } = create();
  for (const at of ['a', 'b', 'c']) trouble(at, { errcode: 13 });
  trouble('d', { errcode: 10 });
  trouble('e', { code: 'ENOSPC' });
  await world.advance(60_000);
  trouble('f', { errcode: 13 });
  trouble('g', { errcode: 13 });
  expect(told).toEqual([
    ['a', { channel: 'a' }, undefined],
    ['d', { channel: 'd' }, undefined],
    ['e', { channel: 'e' }, undefined],
    ['f', { channel: 'f', times: 3 }, undefined],
  ]);
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
