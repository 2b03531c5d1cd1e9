import { Failure } from '@godwit/core';
import { createTestWorld } from '@godwit/core/testing';
import { expect, test } from 'vitest';
import { forbidden, type Authority } from './authority.ts';
import { rated } from './rate.ts';

const byHeader: Authority = async (request) => {
  const token = request.headers.get('authorization');
  if (request.url.endsWith('/forbidden')) throw forbidden('publish', 'room');
  return token === null ? {} : { token };
};

function create(perSecond = 5) {
  const world = createTestWorld();
  const authority = rated(byHeader, perSecond, world);
  const ask = async (token?: string, request = requestOf(token)): Promise<unknown> =>
    authority(request, 'publish', 'room').then(
      () => 'yes',
      (error: unknown) => error,
    );
  return { world, ask };
}

function requestOf(token?: string): Request {
  return new Request('http://relay.example', token === undefined ? {} : { headers: { authorization: token } });
}

async function times(n: number, work: () => Promise<unknown>): Promise<number> {
  let admitted = 0;
  for (let index = 0; index < n; index += 1) if ((await work()) === 'yes') admitted += 1;
  return admitted;
}

test('a token has a second’s worth of requests at once, and then as many as time brings', async () => {
  const { world, ask } = create();
  expect(await times(10, () => ask('alice'))).toBe(5);
  await world.advance(400);
  expect(await times(10, () => ask('alice'))).toBe(2);
  await world.advance(60_000);
  expect(await times(10, () => ask('alice'))).toBe(5);
});

test('who asks too often is told when to come back; others are not touched, and whoever has no token is not counted', async () => {
  const { ask } = create();
  await times(5, () => ask('alice'));
  const refusal = await ask('alice');
  expect(refusal).toBeInstanceOf(Failure);
  expect(refusal).toMatchObject({ name: 'RateLimited', details: { retryAfterMs: 200 } });
  expect(await ask('bob')).toBe('yes');
  expect(await times(10, () => ask())).toBe(10);
});

test('what a token is forbidden takes nothing from what it may ask', async () => {
  const { ask } = create();
  const elsewhere = new Request('http://relay.example/forbidden', { headers: { authorization: 'alice' } });
  for (let index = 0; index < 10; index += 1) {
    expect(await ask('alice', elsewhere.clone())).toMatchObject({ name: 'Forbidden' });
  }
  expect(await times(10, () => ask('alice'))).toBe(5);
});

test('a request for a hundred channels counts once', async () => {
  const { ask } = create();
  const request = requestOf('alice');
  expect(await times(100, () => ask('alice', request))).toBe(100);
  expect(await times(10, () => ask('alice'))).toBe(4);
});

test('ten thousand tokens more than it remembers cost no memory and open nothing to the one that asks all the time', async () => {
  const { ask } = create();
  let admitted = 0;
  for (let index = 0; index < 20_000; index += 1) {
    await ask(`token ${index}`);
    if (index % 1000 === 0 && (await ask('alice')) === 'yes') admitted += 1;
  }
  expect(admitted).toBe(5);
});
