// An issuer's keys by URL, in a world whose time the test moves.
import { exportJWK, generateKeyPair } from 'jose';
import type { Failure } from '@godwit/core';
import { createTestWorld } from '@godwit/core/testing';
import { expect, test } from 'vitest';
import { jwksKeys } from './jwks.ts';

const minuteMs = 60_000;
const [first, second] = await Promise.all(
  ['first', 'second'].map(async (kid) => ({ ...(await exportJWK((await generateKeyPair('ES256')).publicKey)), kid })),
);
/** How late a request may see what another has brought. */
const lookMs = 250;
const unavailable = expect.objectContaining({
  name: 'KeysUnavailable',
  details: { retryAfterMs: expect.any(Number) },
});

/** An issuer whose answer the test sets, and what asks it. */
function createIssuer({ sharesFetches = true } = {}) {
  const world = createTestWorld();
  const reported: Failure[] = [];
  const issuer = {
    asked: 0,
    answer: async (_signal: AbortSignal | null | undefined): Promise<Response> => Response.json({ keys: [first] }),
  };
  const keys = jwksKeys({
    url: 'https://issuer.example/keys',
    fetch: async (_url, { signal }) => {
      issuer.asked += 1;
      return issuer.answer(signal);
    },
    world,
    report: (failure) => reported.push(failure),
    sharesFetches,
  });
  /** How many keys are found, or why none can be. */
  const find = async (kid: string): Promise<unknown> =>
    keys.find({ alg: 'ES256', kid }).then(
      ({ length }) => length,
      (failure: unknown) => failure,
    );
  return { issuer, world, reported, find };
}

const down = async (): Promise<Response> => {
  throw new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') });
};

test('the set is asked for once for all who need it at the same time, and again ten minutes later', async () => {
  const { issuer, world, find } = createIssuer();
  expect(issuer.asked).toBe(0);
  expect(await Promise.all([find('first'), find('first'), find('first')])).toEqual([1, 1, 1]);
  await world.advance(9 * minuteMs);
  expect(await find('first')).toBe(1);
  expect(issuer.asked).toBe(1);
  await world.advance(minuteMs);
  expect(await find('first')).toBe(1);
  expect(issuer.asked).toBe(2);
});

test('a key that the issuer withdraws is known no longer than ten minutes', async () => {
  const { issuer, world, find } = createIssuer();
  expect(await find('first')).toBe(1);
  issuer.answer = async () => Response.json({ keys: [second] });
  await world.advance(10 * minuteMs);
  expect(await find('first')).toBe(0);
});

test('a clock that is set back by an hour keeps nobody waiting for it, and no key longer', async () => {
  for (const isUp of [true, false]) {
    const { issuer, world, find } = createIssuer();
    if (!isUp) issuer.answer = down;
    expect(await find('first')).toEqual(isUp ? 1 : unavailable);
    world.setClock(world.now() - 60 * minuteMs);
    issuer.answer = async () => Response.json({ keys: [second] });
    // A new key counts, an issuer that is back is asked, and what it has withdrawn is gone.
    await world.advance(5000);
    const found = find('second');
    await world.advance(5000);
    expect([isUp, await found, await find('first')]).toEqual([isUp, 1, 0]);
  }
});

test('a clock that is set back while the set is on its way does not make it newer than it is', async () => {
  const { issuer, world, find } = createIssuer();
  issuer.answer = async () => {
    world.setClock(world.now() - 60 * minuteMs);
    return Response.json({ keys: [first] });
  };
  expect(await find('first')).toBe(1);
  issuer.answer = async () => Response.json({ keys: [second] });
  await world.advance(5000);
  const found = find('second');
  await world.advance(5000);
  expect(await found).toBe(1);
});

test('who waits for the set while the clock is set back waits no longer for that', async () => {
  const { issuer, world, find } = createIssuer();
  expect([await find('first'), await find('second')]).toEqual([1, 0]);
  issuer.answer = async () => Response.json({ keys: [second] });
  await world.advance(1);
  const found = find('second');
  await world.advance(1000);
  world.setClock(world.now() - 60 * minuteMs);
  await world.advance(2000);
  expect(await found).toBe(1);
  expect(world.timers).toBe(0);
});

test('a token of a key that is new counts at once, whenever the set was asked for last', async () => {
  const { issuer, world, find } = createIssuer();
  expect(await find('first')).toBe(1);
  issuer.answer = async () => Response.json({ keys: [first, second] });
  await world.advance(1);
  expect(await find('second')).toBe(1);
  expect(issuer.asked).toBe(2);
});

test.each([true, false])(
  'keys that are not known have the set asked for every three seconds at most, and wait for that (shared: %s)',
  async (sharesFetches) => {
    const { issuer, world, find } = createIssuer({ sharesFetches });
    expect(await find('first')).toBe(1);
    await world.advance(1);
    expect(await find('a')).toBe(0);
    expect(issuer.asked).toBe(2);
    issuer.answer = async () => Response.json({ keys: [first, second] });
    await world.advance(1000);
    const waiting = Promise.all(['second', 'b', 'c', 'second'].map(find));
    await world.advance(1999);
    expect(issuer.asked).toBe(2);
    // A key that is known waits for none of them.
    expect(await find('first')).toBe(1);
    await world.advance(lookMs);
    expect(await waiting).toEqual([1, 0, 0, 1]);
    expect(issuer.asked).toBe(3);
    expect(world.timers).toBe(0);
  },
);

test('an answer that was under way when a token came does not judge it', async () => {
  const { issuer, world, find } = createIssuer();
  const { promise, resolve } = Promise.withResolvers<Response>();
  issuer.answer = () => promise;
  const early = find('first');
  await world.advance(100);
  const late = find('second');
  issuer.answer = async () => Response.json({ keys: [first, second] });
  resolve(Response.json({ keys: [first] }));
  expect(await early).toBe(1);
  await world.advance(3000);
  expect([await late, issuer.asked]).toEqual([1, 2]);
});

test('a token whose key is new while its issuer is down is told to come back', async () => {
  const { issuer, world, find } = createIssuer();
  expect(await find('first')).toBe(1);
  await world.advance(1);
  expect(await find('a')).toBe(0);
  issuer.answer = down;
  await world.advance(1);
  const waiting = find('second');
  await world.advance(3000);
  expect([await waiting, issuer.asked]).toEqual([unavailable, 3]);
});

test('before there are any keys, an issuer that is down is said to be so, left alone for five seconds, and asked again', async () => {
  const { issuer, world, reported, find } = createIssuer();
  issuer.answer = down;
  expect(await Promise.all([find('first'), find('first')])).toEqual([unavailable, unavailable]);
  expect(await find('first')).toMatchObject({ details: { retryAfterMs: 5000 } });
  expect(issuer.asked).toBe(1);
  await world.advance(4500);
  expect(await find('first')).toMatchObject({ details: { retryAfterMs: 1000 } });
  await world.advance(500);
  expect(await find('first')).toEqual(unavailable);
  expect(reported.map(({ message }) => message)).toEqual(
    Array.from(
      { length: 2 },
      () =>
        'the keys of https://issuer.example/keys cannot be had: fetch failed (connect ECONNREFUSED); no token is taken',
    ),
  );
  issuer.answer = async () => Response.json({ keys: [first] });
  await world.advance(5000);
  expect(await find('first')).toBe(1);
});

test('keys that are known go on serving however long the issuer is down, and nobody waits for it but one', async () => {
  const { issuer, world, reported, find } = createIssuer();
  expect(await find('first')).toBe(1);
  issuer.answer = (signal) =>
    new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
  await world.advance(24 * 60 * minuteMs);
  const patient = find('first');
  await world.settle();
  expect(await find('first')).toBe(1);
  await world.advance(5000);
  expect(await patient).toBe(1);
  expect(await find('first')).toBe(1);
  expect(reported).toMatchObject([
    { message: expect.stringContaining('no answer within 5 s; those that are known go on serving') },
  ]);
  // One that is not known may be new: its bearer is told to keep it.
  expect(await find('second')).toEqual(unavailable);
  expect(issuer.asked).toBe(2);
  expect(world.timers).toBe(0);
});

test('where requests may not wait for each other, each asks for itself until there is a first answer', async () => {
  const { issuer, find, world } = createIssuer({ sharesFetches: false });
  const answers: ((response: Response) => void)[] = [];
  issuer.answer = () => new Promise((resolve) => answers.push(resolve));
  const finds = [find('first'), find('first')];
  await world.settle();
  // The first request died, and its fetch with it.
  answers[1]?.(Response.json({ keys: [first] }));
  expect(await finds[1]).toBe(1);
  expect(await find('first')).toBe(1);
  expect(issuer.asked).toBe(2);
  issuer.answer = down;
  await world.advance(10 * minuteMs);
  expect(await find('first')).toBe(1);
});

test.each([
  ['is no JSON', () => new Response('<html>')],
  ['is no set', () => Response.json({ keys: 'none' })],
  ['is null', () => Response.json(null)],
  ['is empty', () => new Response('')],
  ['redirects', () => new Response(null, { status: 302, headers: { location: 'https://evil.example' } })],
  ['has failed', () => new Response('', { status: 500 })],
  ['is not there', () => new Response('', { status: 404 })],
])('an answer that %s has no keys', async (_, answer) => {
  const { issuer, find, reported } = createIssuer();
  issuer.answer = async () => answer();
  expect(await find('first')).toEqual(unavailable);
  expect(reported).toHaveLength(1);
});

test('a key of the set that is broken spoils the tokens that it signed, and no others', async () => {
  const { issuer, find } = createIssuer();
  issuer.answer = async () =>
    Response.json({ keys: [{ ...second, x: 'AA' }, { kty: 'oct', k: 'AA', kid: 'o' }, first] });
  expect(await find('second')).toMatchObject({ name: 'Unauthenticated' });
  expect(await find('o')).toBe(0);
  expect(await find('first')).toBe(1);
});

test.each(['', 'keys', 'file:///etc/keys', 'javascript:1', 'https://me:secret@issuer.example'])(
  'the address %j is refused before anything is asked',
  (url) => {
    const world = createTestWorld();
    const make = () => jwksKeys({ url, fetch, world, report: () => undefined, sharesFetches: true });
    expect(make).toThrow(expect.objectContaining({ name: 'InvalidOptions' }));
  },
);
