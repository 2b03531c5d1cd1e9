import { expect, test } from 'vitest';
import { readLimits, readRetention } from './bounds-options.ts';

test('limits and retention are read as numbers of the units that the relay works in', () => {
  expect(readLimits(['eventBytesMax=65536', 'requestsPerSecondMax=50'])).toEqual({
    eventBytesMax: 65_536,
    requestsPerSecondMax: 50,
  });
  expect(readRetention(['room:*=1h,10000,64MB', 'log~*=30s', '*=7d,2GB'])).toEqual([
    { channels: 'room:*', retentionMs: 3_600_000, retentionEvents: 10_000, retentionBytes: 67_108_864 },
    { channels: 'log~*', retentionMs: 30_000 },
    { channels: '*', retentionMs: 604_800_000, retentionBytes: 2_147_483_648 },
  ]);
});

test.each(['', 'eventBytes=1', 'eventBytesMax', 'eventBytesMax=', 'eventBytesMax=0', 'toString=1', '__proto__=1'])(
  'the limit %j is refused',
  (text) => expect(() => readLimits([text])).toThrow('--limit is NAME=NUMBER'),
);

test.each(['', '=1h', 'room', 'room=', 'room=1w', 'room=0', 'a b=1h', 'room=1h,1h', 'room=1h,', 'room=-1'])(
  'the rule %j is refused',
  (text) => expect(() => readRetention([text])).toThrow('--retention is PATTERN=BOUNDS'),
);
