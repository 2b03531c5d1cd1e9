// Telemetry by OpenTelemetry: instruments of a meter, spans of a tracer. Which SDK stands behind them is the application's.
import { createTelemetryOn, type Telemetry, type TelemetryBackend } from '@godwit/core';
import { metrics, trace, type MeterProvider, type ObservableGauge, type TracerProvider } from '@opentelemetry/api';
import { beginSpan } from './span.ts';

/** What telemetry is made with. */
export interface OpenTelemetryOptions {
  /** What every name of an instrument, a span and an attribute begins with; `godwit.` unless said. */
  readonly prefix?: string;
  /** The global one unless given. */
  readonly tracerProvider?: TracerProvider;
  /** The global one, as it is when an instrument is first used, unless given. */
  readonly meterProvider?: MeterProvider;
}

/** The instrumentation scope, by which a backend tells whose instruments and spans these are. */
const scope = '@godwit/otel';

/**
 * Makes telemetry for `createRuntime` and `createRelay`. Providers are the application's to register before, and to shut
 * down after; without any, nothing is kept and nothing fails.
 *
 * @example
 * ```ts
 * const runtime = await createRuntime({ name: 'todos', events, telemetry: createTelemetry() });
 * ```
 */
export function createTelemetry({ prefix, tracerProvider, meterProvider }: OpenTelemetryOptions = {}): Telemetry {
  const gauges = new Map<string, ObservableGauge>();
  const meter = () => (meterProvider ?? metrics).getMeter(scope);
  const tracer = () => (tracerProvider ?? trace).getTracer(scope);
  const backend: TelemetryBackend = {
    counter(name, instrument) {
      const counter = meter().createCounter(name, instrument);
      return ({ value, attributes }) => counter.add(value, attributes);
    },
    histogram(name, { buckets, ...instrument }) {
      const advice = { explicitBucketBoundaries: [...buckets] };
      const histogram = meter().createHistogram(name, { ...instrument, advice });
      return ({ value, attributes }) => histogram.record(value, attributes);
    },
    gauge(name, instrument, observe) {
      const gauge = gauges.get(name) ?? meter().createObservableGauge(name, instrument);
      gauges.set(name, gauge);
      const tell: Parameters<ObservableGauge['addCallback']>[0] = (result) => {
        for (const { value, attributes } of observe()) result.observe(value, attributes);
      };
      gauge.addCallback(tell);
      return () => gauge.removeCallback(tell);
    },
    span: (options) => beginSpan(tracer(), options),
    now: () => Date.now(),
    elapsed: () => performance.now() / 1000,
  };
  return createTelemetryOn(backend, prefix) satisfies Telemetry;
}
