// OpenTelemetry's own SDK for a test: what is told to it stays in memory, to be looked at.
import type { SpanContext } from '@opentelemetry/api';
import {
  AggregationTemporality,
  DataPointType,
  InstrumentType,
  MeterProvider,
  MetricReader,
  type MetricData,
} from '@opentelemetry/sdk-metrics';
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
  type ReadableSpan,
  type Sampler,
} from '@opentelemetry/sdk-trace';
import type { SeenPoint, SeenSpan } from '@godwit/core/contracts';

/** Providers, and what has come to them. */
export interface Sdk {
  readonly tracerProvider: TracerProvider;
  readonly meterProvider: MeterProvider;
  /** Those that have ended, in that order. */
  spans(): readonly ReadableSpan[];
  /** Every metric, as a collector gets it now. */
  collect(): Promise<readonly MetricData[]>;
}

/** Collects when it is asked to, and only then. */
class AskedReader extends MetricReader {
  constructor() {
    super({
      // Cumulative, this SDK tells a gauge's last value for ever, also when nobody observes it any more.
      aggregationTemporalitySelector: (type) =>
        type === InstrumentType.OBSERVABLE_GAUGE ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE,
    });
  }

  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

/** Opens one. */
export function openSdk(sampler?: Sampler): Sdk {
  const exporter = new InMemorySpanExporter();
  const reader = new AskedReader();
  const spanProcessors = [new SimpleSpanProcessor({ exporter })];
  return {
    tracerProvider: new TracerProvider({ spanProcessors, ...(sampler === undefined ? {} : { sampler }) }),
    meterProvider: new MeterProvider({ readers: [reader] }),
    spans: () => exporter.getFinishedSpans(),
    async collect() {
      const { resourceMetrics } = await reader.collect();
      return resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
    },
  };
}

/** A metric's points, as the contract looks at them. */
export async function pointsOf(sdk: Sdk, name: string): Promise<readonly SeenPoint[]> {
  const metrics = (await sdk.collect()).filter(({ descriptor }) => descriptor.name === name);
  return metrics.flatMap((metric): readonly SeenPoint[] => {
    const { dataPointType, dataPoints } = metric;
    if (dataPointType === DataPointType.EXPONENTIAL_HISTOGRAM) throw new Error(`${name} has no buckets of its own`);
    if (dataPointType !== DataPointType.HISTOGRAM) {
      return dataPoints.map(({ value, attributes }) => ({ value, attributes: plain(attributes) }));
    }
    return dataPoints.map(({ value: { sum = 0, count }, attributes }) => ({
      value: sum,
      count,
      attributes: plain(attributes),
    }));
  });
}

const kinds = ['internal', 'server', 'client', 'producer', 'consumer'] as const;

/** A span, as the contract looks at it. */
export function seen(span: ReadableSpan): SeenSpan {
  const { name, parentSpanContext, links, attributes, status } = span;
  const kind = kinds[span.kind];
  if (kind === undefined || kind === 'client') throw new Error(`${name} is of the kind ${kind}`);
  return {
    name,
    kind,
    ...ids(span.spanContext()),
    parentSpanId: parentSpanContext?.spanId,
    links: links.map(({ context }) => ids(context)),
    attributes: plain(attributes),
    failure: status.message,
  };
}

function ids({ traceId, spanId }: SpanContext): Pick<SeenSpan, 'traceId' | 'spanId'> {
  return { traceId, spanId };
}

function plain(attributes: ReadableSpan['attributes']): SeenSpan['attributes'] {
  const entries = Object.entries(attributes).flatMap(([name, value]) =>
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      ? [[name, value] as const]
      : [],
  );
  return Object.fromEntries(entries);
}
