// What a deployment may say, and what it is told when it says something else.
import { defaultLimits } from '@godwit/core/protocol';
import { expect, test } from 'vitest';
import { limitsOf, originsOf, retentionOf } from './environment.ts';

test('limits are the defaults, but for those that are given', () => {
  expect(limitsOf({})).toEqual(defaultLimits);
  expect(limitsOf({ GODWIT_LIMITS: { heartbeatMs: 1000 } })).toEqual({ ...defaultLimits, heartbeatMs: 1000 });
});

test('what `.dev.vars` says of limits and retention is JSON as text', () => {
  expect(limitsOf({ GODWIT_LIMITS: '{"heartbeatMs":1000}' }).heartbeatMs).toBe(1000);
  const rules = '[{"channels":"room:*","retentionEvents":7}]';
  expect(retentionOf({ GODWIT_RETENTION: rules }, defaultLimits)('room:1').retentionEvents).toBe(7);
});

test.for([
  [{ retention: 1 }, 'GODWIT_LIMITS has "retention", which is no limit'],
  [{ toString: 1 }, 'GODWIT_LIMITS has "toString", which is no limit'],
  [{ retentionMs: '1h' }, 'GODWIT_LIMITS has "retentionMs": "1h"; expected a number above 0'],
  [{ ringBytes: 0 }, 'GODWIT_LIMITS has "ringBytes": 0; expected a number above 0'],
  [{ heartbeatMs: 3e9 }, 'GODWIT_LIMITS has "heartbeatMs": 3000000000; 2147483647 ms, some 24 days, are the most'],
  [{ ringBytes: null }, 'GODWIT_LIMITS has "ringBytes": null; expected a number above 0'],
  [{ eventBytesMax: 2e6 }, 'GODWIT_LIMITS allows events of 2000000 bytes; on Workers 1500000 are the most'],
  ['1', 'GODWIT_LIMITS is not an object; see wrangler.jsonc'],
  ['{retentionMs:1}', 'GODWIT_LIMITS is text that is not JSON: {retentionMs:1}'],
] as const)('the limits %o are refused', ([given, message]) => {
  expect(() => limitsOf({ GODWIT_LIMITS: given as string })).toThrow(expect.objectContaining({ message }));
});

test('origins are divided by commas or spaces', () => {
  expect(originsOf({})).toEqual([]);
  const given = ' https://a.example,https://b.example ';
  expect(originsOf({ GODWIT_CORS: given })).toEqual(['https://a.example', 'https://b.example']);
  expect(originsOf({ GODWIT_CORS: `${given}, *` })).toBe('any');
});

test.for([
  ['https://app.example/', 'https://app.example'],
  ['HTTPS://App.example', 'https://app.example'],
  ['https://app.example:443', 'https://app.example'],
  ['app.example', 'https://app.example, without a path'],
  ['null', 'https://app.example, without a path'],
] as const)('the origin %s, which no browser would say, is refused', ([given, meant]) => {
  expect(() => originsOf({ GODWIT_CORS: given })).toThrow(
    expect.objectContaining({ name: 'InvalidOptions', message: expect.stringContaining(`as ${meant}; got`) }),
  );
});

test('an extension and an app have origins, too', () => {
  const origins = ['chrome-extension://abcdefgh', 'capacitor://localhost', 'http://localhost:5173', 'http://[::1]:80'];
  expect(() => originsOf({ GODWIT_CORS: origins.join(' ') })).toThrow('as http://[::1]; got');
  expect(originsOf({ GODWIT_CORS: origins.slice(0, 3).join(' ') })).toEqual(origins.slice(0, 3));
});
