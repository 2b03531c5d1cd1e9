// W3C Trace Context, the `traceparent` alone: how a publisher's span travels in its event.

/** What a traceparent says. */
export interface SpanContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** One byte; its lowest bit says that the span is recorded somewhere. */
  readonly traceFlags: number;
}

/** Section 3.2.2: lower-case only. A later version may have more behind it, this one has not. */
const traceparent = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/**
 * Reads a traceparent; undefined for whatever is none. It comes with events, from anybody.
 *
 * @see https://www.w3.org/TR/trace-context/#traceparent-header
 */
export function parseTraceparent(value: unknown): SpanContext | undefined {
  const [, version, traceId, spanId, flags, more] = (typeof value === 'string' && traceparent.exec(value)) || [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (version === '00' && more !== undefined) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) };
}

/** Writes a traceparent, version 00; undefined where the ids are the zeros of a backend that follows nothing. */
export function formatTraceparent({ traceId, spanId, traceFlags }: SpanContext): string | undefined {
  const text = `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, '0')}`;
  return parseTraceparent(text) === undefined ? undefined : text;
}
