import { expect, test } from 'vitest';
import { linesOf, quantile, type Outcome } from './report.ts';

const outcome: Outcome = {
  options: { seconds: 60, seed: 7, relay: 'node', rate: 300, timeline: false, only: undefined },
  elapsedMs: 75_000,
  kept: 15_000,
  stored: 15_010,
  heard: 90_000,
  gaps: { told: 2, missed: 800 },
  handled: 4000,
  tabs: 9,
  repeated: 3,
  lostInMemory: 0,
  refused: new Map([['StorageFailed', 12]]),
  faults: new Map([
    ['relay killed', 2],
    ['line cut', 1],
  ]),
  unable: new Map(),
  recoveries: [
    { kind: 'relay killed', ms: 500, isDisturbed: false },
    { kind: 'relay killed', ms: 9000, isDisturbed: true },
    { kind: 'line cut', ms: undefined, isDisturbed: false },
  ],
  violations: [],
  timeline: ['1 s  line cut, line of alice'],
};

test('a report says how much there was, what went wrong, and how long each kind took to recover from', () => {
  expect(linesOf(outcome)).toEqual([
    'relay node, seed 7: 60 s of faults, 75.0 s in all',
    '15,000 events acknowledged, 15,010 stored by the relay (200 a second), 90,000 heard by 9 tabs',
    '2 gaps told, of 800 events; 4,000 orders handled durably',
    '3 batches posted again; calls of publish refused: StorageFailed 12',
    '  faults                      3        p50        p99',
    '  relay killed                2     0.50 s     0.50 s',
    '  line cut                    1          –          –',
    '  undisturbed recoveries      1     0.50 s     0.50 s',
    '  all recoveries              2     0.50 s     9.00 s',
    'no acknowledged event lost, none stored twice, every gap told',
  ]);
});

test('what a machine cannot do is said by name, with its reason', () => {
  const lines = linesOf({ ...outcome, unable: new Map([['relay’s disk full', 'mount: permission denied']]) });
  expect(lines).toContain('  relay’s disk full LEFT OUT: mount: permission denied');
});

test('a violation is named, with what had happened and the command that plays it again', () => {
  const violations = Array.from({ length: 25 }, (_, n) => ({ kind: 'lost', what: `event ${n}` }) as const);
  const lines = linesOf({ ...outcome, violations });
  expect(lines).not.toContain('no acknowledged event lost, none stored twice, every gap told');
  expect(lines).toContain('VIOLATED: lost 25');
  expect(lines).toContain('  lost: event 19');
  expect(lines).not.toContain('  lost: event 20');
  expect(lines).toContain('  and 5 more');
  expect(lines).toContain('1 s  line cut, line of alice');
  expect(lines.at(-1)).toContain('npm run chaos -- --seed 7 --relay node --seconds 60 --rate 300');
});

test('a quantile is one of the values, by the nearest rank', () => {
  const hundred = Array.from({ length: 100 }, (_, n) => 100 - n);
  expect([0.5, 0.99, 1].map((share) => quantile(hundred, share))).toEqual([50, 99, 100]);
  expect(quantile([4], 0.5)).toBe(4);
  expect(quantile([], 0.5)).toBeUndefined();
});
