// The spans of one place, a page or this process, as OpenTelemetry's own exporter has them in memory.
import { createTelemetry } from '@godwit/otel';
import type { Telemetry } from '@godwit/core';
import { SpanKind, type SpanContext } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';

/** A span that has ended, as plain JSON. */
export interface KeptSpan {
  readonly name: string;
  readonly kind: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Null: it is a root. */
  readonly parentSpanId: string | null;
  /** The ids of the spans that it links. */
  readonly links: readonly string[];
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** Telemetry, and the spans that have come of it. */
export interface Tracing {
  readonly telemetry: Telemetry;
  spans(): readonly KeptSpan[];
}

/** Begins to keep spans. */
export function openTracing(): Tracing {
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  return {
    telemetry: createTelemetry({ tracerProvider }),
    spans: () =>
      exporter.getFinishedSpans().map((span) => ({
        name: span.name,
        kind: SpanKind[span.kind],
        ...ids(span.spanContext()),
        parentSpanId: span.parentSpanContext?.spanId ?? null,
        links: span.links.map(({ context }) => context.spanId),
        attributes: span.attributes,
      })),
  };
}

function ids({ traceId, spanId }: SpanContext): Pick<KeptSpan, 'traceId' | 'spanId'> {
  return { traceId, spanId };
}
