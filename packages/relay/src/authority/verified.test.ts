// Tokens that were verified before.
import { expect, test } from 'vitest';
import { createVerified } from './verified.ts';

const [first, second] = [new Uint8Array([1]), new Uint8Array([2])];
const hint = { alg: 'HS256' };

test('a token is known for as long as the key that has signed it is in use, and no longer', async () => {
  let inUse = [first, second];
  const verified = createVerified<string>({ find: async () => inUse });
  verified.remember('token', { claims: 'alice', hint, key: first });
  expect(await verified.claimsOf('token')).toBe('alice');
  expect(await verified.claimsOf('another')).toBeUndefined();
  inUse = [second];
  expect(await verified.claimsOf('token')).toBeUndefined();
  // The key that comes back is another object: what it has signed is looked at again.
  inUse = [first];
  expect(await verified.claimsOf('token')).toBeUndefined();
});

test('of more tokens than are kept, those used longest ago are forgotten, and very long ones are not kept at all', async () => {
  const verified = createVerified<string>({ find: async () => [first] });
  for (let token = 0; token < 10_000; token += 1) verified.remember(String(token), { claims: 'bob', hint, key: first });
  expect(await verified.claimsOf('0')).toBe('bob');
  verified.remember('one more', { claims: 'alice', hint, key: first });
  expect(await verified.claimsOf('0')).toBe('bob');
  expect(await verified.claimsOf('1')).toBeUndefined();
  const long = 'x'.repeat(3000);
  verified.remember(long, { claims: 'alice', hint, key: first });
  expect(await verified.claimsOf(long)).toBeUndefined();
});
