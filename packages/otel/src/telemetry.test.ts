import { executionBuckets, Failure, latencyBuckets } from '@godwit/core';
import { telemetryContract } from '@godwit/core/contracts';
import { context, metrics, SpanStatusCode, trace, type MeterProvider, type TracerProvider } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { DataPointType } from '@opentelemetry/sdk-metrics';
import { AlwaysOffSampler } from '@opentelemetry/sdk-trace';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSdk, pointsOf, seen } from '../test/sdk.ts';
import { createTelemetry } from './telemetry.ts';

beforeAll(() => void context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()));
afterAll(() => context.disable());

telemetryContract('by OpenTelemetry', ({ prefix, broken = false } = {}) => {
  const sdk = openSdk();
  const { tracerProvider, meterProvider } = broken ? brokenProviders : sdk;
  return {
    telemetry: createTelemetry({ tracerProvider, meterProvider, ...(prefix === undefined ? {} : { prefix }) }),
    counted: (name) => pointsOf(sdk, name),
    timed: (name) => pointsOf(sdk, name),
    observed: (name) => pointsOf(sdk, name),
    spans: async () => sdk.spans().map(seen),
  };
});

test('histograms advise the buckets that are promised', async () => {
  const sdk = openSdk();
  const telemetry = createTelemetry(sdk);
  telemetry.record('handle.latency', 0.03);
  telemetry.record('execute.duration', 0.03);
  const found = (await sdk.collect()).map((metric) => [
    metric.descriptor.name,
    metric.descriptor.unit,
    metric.dataPointType === DataPointType.HISTOGRAM ? metric.dataPoints[0]?.value.buckets.boundaries : 'none',
  ]);
  expect(found).toEqual([
    ['godwit.handle.latency', 's', latencyBuckets],
    ['godwit.execute.duration', 's', executionBuckets],
  ]);
});

test('a failure is an error status with its message, and an exception with its name', () => {
  const sdk = openSdk();
  const span = createTelemetry(sdk).span({ name: 'handle' });
  span.fail(new Failure('StorageFailed', 'the disk is full'));
  span.end();
  const [kept] = sdk.spans();
  expect(kept?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'the disk is full' });
  expect(kept?.events[0]?.attributes).toMatchObject({ 'exception.type': 'StorageFailed' });
});

test('a span that nobody samples still names itself, so that what follows it is not sampled either', () => {
  const sdk = openSdk(new AlwaysOffSampler());
  const span = createTelemetry(sdk).span({ name: 'publish' });
  span.end();
  expect(span.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  expect(sdk.spans()).toEqual([]);
});

test('what is begun after a wait is still a child, where the platform keeps the context', async () => {
  const sdk = openSdk();
  const telemetry = createTelemetry(sdk);
  const outer = telemetry.span({ name: 'handle', parent: null });
  await outer.run(async () => {
    await Promise.resolve();
    telemetry.span({ name: 'publish' }).end();
  });
  outer.end();
  const [inner, handle] = sdk.spans();
  expect(inner?.parentSpanContext?.spanId).toBe(handle?.spanContext().spanId);
});

test('without providers of its own it tells the global ones, and needs none', async () => {
  const span = createTelemetry().span({ name: 'publish' });
  span.end();
  // An event must not carry the zeros that a span is called where there is no SDK.
  expect(span.traceparent).toBeUndefined();
  const sdk = openSdk();
  const telemetry = createTelemetry();
  trace.setGlobalTracerProvider(sdk.tracerProvider);
  metrics.setGlobalMeterProvider(sdk.meterProvider);
  try {
    telemetry.span({ name: 'publish' }).end();
    telemetry.count('published', 1);
  } finally {
    trace.disable();
    metrics.disable();
  }
  expect(sdk.spans().map(({ name }) => name)).toEqual(['godwit.publish']);
  expect(await pointsOf(sdk, 'godwit.published')).toEqual([{ value: 1, attributes: {} }]);
});

/** Whatever is asked of it throws. */
const broken = {
  get(): never {
    throw new Error('not today');
  },
};
const brokenProviders = {
  tracerProvider: new Proxy({}, broken) as TracerProvider,
  meterProvider: new Proxy({}, broken) as MeterProvider,
};
