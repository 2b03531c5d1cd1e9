// A span of a tracer, its parent and its links told as W3C trace contexts.
import { formatTraceparent, type BackendSpan, type BackendSpanOptions } from '@godwit/core';
import { context, SpanKind, SpanStatusCode, trace, type Tracer } from '@opentelemetry/api';

const kinds: Readonly<Record<BackendSpanOptions['kind'], SpanKind>> = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};

/** Begins a span. */
export function beginSpan(tracer: Tracer, { name, kind, parent, links, attributes }: BackendSpanOptions): BackendSpan {
  const active = context.active();
  const span = tracer.startSpan(
    name,
    {
      kind: kinds[kind],
      attributes,
      links: links.map((link) => ({ context: { ...link, isRemote: true } })),
      root: parent === null,
    },
    parent ? trace.setSpanContext(active, { ...parent, isRemote: true }) : active,
  );
  return {
    // Without an SDK the ids are zeros, and no event should carry those.
    traceparent: formatTraceparent(span.spanContext()),
    set: (more) => void span.setAttributes(more),
    fail(failure) {
      span.recordException(failure);
      span.setStatus({ code: SpanStatusCode.ERROR, message: failure.message });
    },
    end: () => span.end(),
    run: (work) => context.with(trace.setSpan(context.active(), span), work),
  };
}
