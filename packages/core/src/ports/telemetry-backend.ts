// The law of telemetry, kept once for every backend: prefix, guard, and what watching is made of.
import { Failure, toFailure } from '../failure.ts';
import {
  telemetryCounters,
  telemetryGauges,
  telemetryHistograms,
  telemetrySpans,
  type Buckets,
  type HistogramName,
  type Instrument,
  type SpanKind,
  type TelemetryAttributes,
} from './telemetry-names.ts';
import type { Observation, Span, SpanOptions, Telemetry, Watched } from './telemetry.ts';
import { parseTraceparent, type SpanContext } from './telemetry-traceparent.ts';
import type { Stop } from './world.ts';

/** Attributes as a backend gets them: whole names, nothing undefined. */
export type BackendAttributes = Readonly<Record<string, string | number | boolean>>;

/** A number with its attributes, as a backend gets it. */
export interface BackendPoint {
  readonly value: number;
  readonly attributes: BackendAttributes;
}

/** A span that a backend is to begin. */
export interface BackendSpanOptions {
  readonly name: string;
  readonly kind: SpanKind;
  /** null: a root; undefined: the active one. */
  readonly parent: SpanContext | null | undefined;
  readonly links: readonly SpanContext[];
  readonly attributes: BackendAttributes;
}

/** A backend's span. */
export interface BackendSpan {
  readonly traceparent: string | undefined;
  set(attributes: BackendAttributes): void;
  fail(failure: Failure): void;
  end(): void;
  /** Calls `work` once, at once, with this span active. */
  run(work: () => void): void;
}

/**
 * What an adapter of `Telemetry` is made of. Names come with their prefix, traceparents parsed; each of its methods may
 * throw. An instrument is asked for once.
 */
export interface TelemetryBackend {
  counter(name: string, instrument: Instrument): (point: BackendPoint) => void;
  histogram(name: string, instrument: Instrument & { readonly buckets: Buckets }): (point: BackendPoint) => void;
  gauge(name: string, instrument: Instrument, observe: () => readonly BackendPoint[]): Stop;
  span(options: BackendSpanOptions): BackendSpan;
  /** Wall-clock milliseconds. */
  now(): number;
  /** Seconds on a clock that never jumps, where there is one. */
  elapsed(): number;
}

/** What every name begins with, unless said. */
export const defaultPrefix = 'godwit.';

/** Makes telemetry on a backend. */
export function createTelemetryOn(backend: TelemetryBackend, prefix: string = defaultPrefix): Telemetry {
  const counter = once((name: keyof typeof telemetryCounters) =>
    backend.counter(prefix + name, telemetryCounters[name]),
  );
  const histogram = once((name: HistogramName) => backend.histogram(prefix + name, telemetryHistograms[name]));
  const telemetry: Telemetry = {
    count(name, events, attributes) {
      quietly(() => counter(name)({ value: events, attributes: prefixed(attributes) }));
    },
    record,
    gauge(name, observe) {
      let live = true;
      const stop = quietly(() =>
        backend.gauge(prefix + name, telemetryGauges[name], () =>
          live ? (quietly(() => observe().map(pointOf)) ?? []) : [],
        ),
      );
      return () => {
        if (live && stop !== undefined) quietly(stop);
        live = false;
      };
    },
    span: begin,
    watch<Result>(watched: Watched, work: (span: Span) => Result): Result {
      const { labels, event, links = [], attributes, ...options } = watched;
      const { counter, histogram } = telemetrySpans[options.name];
      const told: TelemetryAttributes = { ...labels, ...(event && { 'event.type': event.type }) };
      const began = quietly(() => backend.elapsed());
      if (event?.time !== undefined) record('handle.latency', sinceThen(event.time), told);
      const span = begin({
        ...options,
        ...(event && { parent: null }),
        links: [event?.traceparent, ...links],
        attributes: { ...told, ...(event && { 'event.id': event.id, channel: event.channel }), ...attributes },
      });
      const ended = (outcome: TelemetryAttributes): void => {
        telemetry.count(counter, 1, { ...told, ...outcome });
        const seconds = (quietly(() => backend.elapsed()) ?? Number.NaN) - (began ?? Number.NaN);
        record(histogram, seconds, { ...told, ...outcome });
        span.set(outcome);
        span.end();
      };
      const failed = (error: unknown): void => {
        span.fail(error);
        ended({ outcome: 'failure', error: true, failure: nameOf(error) });
      };
      const succeeded = (): void => ended({ outcome: 'success', error: false });
      let result: Result;
      try {
        result = span.run(() => work(span));
      } catch (error) {
        failed(error);
        throw error;
      }
      if (result instanceof Promise) result.then(succeeded, failed);
      else succeeded();
      return result;
    },
  };
  return telemetry;

  function record(name: HistogramName, seconds: number, attributes?: TelemetryAttributes): void {
    // A publisher's clock may be ahead of this one; one that cannot be read says nothing.
    if (!Number.isFinite(seconds)) return;
    quietly(() => histogram(name)({ value: Math.max(0, seconds), attributes: prefixed(attributes) }));
  }

  function begin({ name, parent, links = [], attributes }: SpanOptions): Span {
    const span = quietly(() =>
      backend.span({
        name: prefix + name,
        kind: telemetrySpans[name].kind,
        parent: typeof parent === 'string' ? parseTraceparent(parent) : parent,
        links: links.map(parseTraceparent).filter((link) => link !== undefined),
        attributes: prefixed(attributes),
      }),
    );
    let open = span !== undefined;
    return {
      traceparent: quietly(() => span?.traceparent),
      set(more) {
        quietly(() => span?.set(prefixed(more)));
      },
      fail(error) {
        quietly(() => span?.fail(toFailure(error, 'HandlerFailed')));
      },
      end() {
        if (open) quietly(() => span?.end());
        open = false;
      },
      run: (work) => runOnce((once) => span?.run(once), work),
    };
  }

  function sinceThen(publishedAt: string): number {
    return ((quietly(() => backend.now()) ?? Number.NaN) - Date.parse(publishedAt)) / 1000;
  }

  function pointOf({ value, attributes }: Observation): BackendPoint {
    return { value, attributes: prefixed(attributes) };
  }

  function prefixed(attributes: TelemetryAttributes = {}): BackendAttributes {
    return Object.fromEntries(
      Object.entries(attributes).flatMap(([name, value]) => (value === undefined ? [] : [[prefix + name, value]])),
    );
  }
}

/** Runs `work` once, within what the backend does around it where it does, and answers for `work` alone. */
function runOnce<Result>(around: (work: () => void) => void, work: () => Result): Result {
  const outcomes: (() => Result)[] = [];
  quietly(() =>
    around(() => {
      if (outcomes.length > 0) return;
      try {
        const value = work();
        outcomes.push(() => value);
      } catch (error) {
        outcomes.push(() => {
          throw error;
        });
      }
    }),
  );
  const [outcome = work] = outcomes;
  return outcome();
}

function once<Name, Made>(make: (name: Name) => Made): (name: Name) => Made {
  const made = new Map<Name, Made>();
  return (name) => {
    const known = made.get(name);
    if (known !== undefined) return known;
    const one = make(name);
    made.set(name, one);
    return one;
  };
}

function quietly<Result>(work: () => Result): Result | undefined {
  try {
    return work();
  } catch {
    // What is measured must never learn that measuring failed.
    return undefined;
  }
}

/** Few, as a metric's attributes must be: a failure's name, or an error's class. */
function nameOf(error: unknown): string {
  return quietly(() => (error instanceof Error ? error.name : undefined)) ?? 'Error';
}
