import { expect, test } from 'vitest';
import { createTelemetryOn, type BackendSpan, type TelemetryBackend } from './telemetry-backend.ts';
import {
  telemetryCounters,
  executionBuckets,
  telemetryGauges,
  telemetryHistograms,
  latencyBuckets,
} from './telemetry-names.ts';

test('latencies and handlers\u2019 own times have the buckets that are promised', () => {
  expect(latencyBuckets).toEqual([0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300]);
  expect([executionBuckets.at(0), executionBuckets.at(-1)]).toEqual([0.005, 10]);
  for (const { buckets } of Object.values(telemetryHistograms))
    expect([...buckets].sort((a, b) => a - b)).toEqual(buckets);
});

test('an instrument is made once, with its unit, its description and its buckets, before it is first used', () => {
  const made: unknown[] = [];
  const telemetry = createTelemetryOn({
    ...silent,
    counter(...of) {
      made.push(of);
      return () => undefined;
    },
    histogram(...of) {
      made.push(of);
      return () => undefined;
    },
    gauge(name, instrument) {
      made.push([name, instrument]);
      return () => undefined;
    },
  });
  expect(made).toEqual([]);
  for (let time = 0; time < 2; time += 1) {
    telemetry.count('published', 1);
    telemetry.record('execute.duration', 1);
  }
  telemetry.gauge('dead', () => []);
  expect(made).toEqual([
    ['godwit.published', telemetryCounters.published],
    ['godwit.execute.duration', telemetryHistograms['execute.duration']],
    ['godwit.dead', telemetryGauges.dead],
  ]);
});

test.each<[what: string, run: BackendSpan['run']]>([
  [
    'throws before it calls',
    () => {
      throw new Error('not today');
    },
  ],
  ['never calls', () => undefined],
  [
    'calls twice',
    (work) => {
      work();
      work();
    },
  ],
  [
    'throws when it has called',
    (work) => {
      work();
      throw new Error('too late');
    },
  ],
])('work runs once, and answers, in a span whose backend %s', (_, run) => {
  const telemetry = createTelemetryOn({ ...silent, span: () => ({ ...silentSpan, run }) });
  let runs = 0;
  expect(telemetry.span({ name: 'handle' }).run(() => (runs += 1))).toBe(1);
  expect(() =>
    telemetry.span({ name: 'handle' }).run(() => {
      runs += 1;
      throw new Error('mine');
    }),
  ).toThrow('mine');
  expect(runs).toBe(2);
});

test('a backend that forgets to unregister a gauge still never reaches its callback again', () => {
  let look: (() => readonly unknown[]) | undefined;
  const telemetry = createTelemetryOn({
    ...silent,
    gauge(_name, _instrument, observe) {
      look = observe;
      return () => {
        throw new Error('not today');
      };
    },
  });
  let asked = 0;
  const stop = telemetry.gauge('pending', () => {
    asked += 1;
    return [{ value: 1 }];
  });
  expect(look?.()).toEqual([{ value: 1, attributes: {} }]);
  stop();
  expect(look?.()).toEqual([]);
  expect(asked).toBe(1);
});

const silentSpan: BackendSpan = {
  traceparent: undefined,
  set: () => undefined,
  fail: () => undefined,
  end: () => undefined,
  run: (work) => work(),
};

const silent: TelemetryBackend = {
  counter: () => () => undefined,
  histogram: () => () => undefined,
  gauge: () => () => undefined,
  span: () => silentSpan,
  now: () => 0,
  elapsed: () => 0,
};
