// How the flow is counted, timed and followed, by whatever is handed in. Without it nothing is.
import type { CloudEvent } from '../event/cloudevent.ts';
import type { CounterName, GaugeName, HistogramName, SpanName, TelemetryAttributes } from './telemetry-names.ts';
import type { Stop } from './world.ts';

/** How a span begins. */
export interface SpanOptions {
  readonly name: SpanName;
  /** A W3C traceparent; null: none, it is a root; left out: the span that is active, if any. */
  readonly parent?: string | null | undefined;
  /** W3C traceparents. They come with events, from anybody: what is none is passed over. */
  readonly links?: readonly (string | undefined)[];
  readonly attributes?: TelemetryAttributes;
}

/** Something under way. */
export interface Span {
  /** W3C Trace Context, version 00; undefined where the backend follows nothing. */
  readonly traceparent: string | undefined;
  set(attributes: TelemetryAttributes): void;
  /** Marks it as failed, with the failure's name and message. */
  fail(error: unknown): void;
  /** Ends it. Ending twice is ending once. */
  end(): void;
  /** Runs `work` with this span active: spans begun in it are its children. It does not end the span. */
  run<Result>(work: () => Result): Result;
}

/** Work that is counted, timed and followed at once: by what, telemetry-names.ts says for each `name`. */
export interface Watched extends SpanOptions {
  /** On the metrics and on the span. */
  readonly labels?: TelemetryAttributes;
  /**
   * What is handled. The span is a root, linked to the event's traceparent beside `links`, and says which event it is; the
   * metrics say its type; and the time from its `time` until now is recorded as `handle.latency`.
   */
  readonly event?: CloudEvent;
}

/** What a gauge is: one number, or one for each set of attributes. */
export interface Observation {
  readonly value: number;
  readonly attributes?: TelemetryAttributes;
}

/**
 * **Law.** No verb ever throws or waits, whatever its backend does: what is measured never learns of it; only what `work`
 * itself throws or rejects with comes through, unchanged. Names are those of telemetry-names.ts, with the adapter's prefix
 * before every instrument, span and attribute. A span with `parent: null` is a root whatever is active, and is connected to
 * others by its links alone. A gauge's callback is asked only when somebody collects, and never after its stop.
 */
export interface Telemetry {
  count(name: CounterName, events: number, attributes?: TelemetryAttributes): void;
  record(name: HistogramName, seconds: number, attributes?: TelemetryAttributes): void;
  /** Registers `observe`. Who registers a gauge stops it at shutdown. */
  gauge(name: GaugeName, observe: () => readonly Observation[]): Stop;
  span(options: SpanOptions): Span;
  /**
   * Runs `work` in a span of its own. When it has returned or thrown, or the promise that it answered has settled, it is
   * counted once and timed once, with `outcome` (`success`, `failure`) and `error`, and the span ends.
   */
  watch<Result>(watched: Watched, work: (span: Span) => Result): Result;
}
