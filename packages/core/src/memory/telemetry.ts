// Telemetry in memory: the reference that every other is held against, and what a test looks at.
import type { BackendAttributes, BackendPoint, TelemetryBackend } from '../ports/telemetry-backend.ts';
import { createTelemetryOn } from '../ports/telemetry-backend.ts';
import type { SpanKind } from '../ports/telemetry-names.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import { formatTraceparent, type SpanContext } from '../ports/telemetry-traceparent.ts';
import type { World } from '../ports/world.ts';

/** A span that has ended. */
export interface MemorySpan {
  readonly name: string;
  readonly kind: SpanKind;
  readonly context: SpanContext;
  /** Undefined: it is a root. */
  readonly parent: SpanContext | undefined;
  readonly links: readonly SpanContext[];
  readonly attributes: BackendAttributes;
  /** Why it failed. */
  readonly failure: string | undefined;
}

/** Telemetry that can be looked at. Names are whole, with their prefix. */
export interface MemoryTelemetry extends Telemetry {
  /** The latest, in the order in which they ended. */
  readonly spans: readonly MemorySpan[];
  /** What a counter has come to, for each set of attributes. */
  counted(name: string): readonly BackendPoint[];
  /** Every time that was recorded, the latest. */
  recorded(name: string): readonly BackendPoint[];
  /** What its gauges say now. */
  observed(name: string): readonly BackendPoint[];
}

/** The most spans, and the most times of one name, that are kept; the oldest go first. */
const keptMax = 10_000;

/**
 * Makes it.
 *
 * @example
 * ```ts
 * const telemetry = createMemoryTelemetry(world);
 * telemetry.count('published', 1, { outcome: 'success' });
 * telemetry.counted('godwit.published'); // [{ value: 1, attributes: { 'godwit.outcome': 'success' } }]
 * ```
 */
export function createMemoryTelemetry(world: Pick<World, 'now' | 'id'>, prefix?: string): MemoryTelemetry {
  const counts = new Map<string, Map<string, BackendPoint>>();
  const times = new Map<string, BackendPoint[]>();
  const observers = new Map<string, Set<() => readonly BackendPoint[]>>();
  const spans: MemorySpan[] = [];
  // Only of what is under way in this very call: without the platform's help no other is known.
  const active: SpanContext[] = [];

  const backend: TelemetryBackend = {
    counter: (name) => (point) => {
      const points = counts.get(name) ?? new Map<string, BackendPoint>();
      counts.set(name, points);
      const key = JSON.stringify(point.attributes);
      points.set(key, { ...point, value: (points.get(key)?.value ?? 0) + point.value });
    },
    histogram: (name) => (point) => {
      const points = times.get(name) ?? [];
      times.set(name, points);
      keep(points, point);
    },
    gauge(name, _instrument, observe) {
      const all = observers.get(name) ?? new Set();
      observers.set(name, all);
      all.add(observe);
      return () => void all.delete(observe);
    },
    span({ parent = active.at(-1), ...options }) {
      const context = contextUnder(parent ?? undefined);
      let failure: string | undefined;
      let { attributes } = options;
      return {
        traceparent: formatTraceparent(context),
        set: (more) => void (attributes = { ...attributes, ...more }),
        fail: ({ message }) => void (failure = message),
        end: () => keep(spans, { ...options, context, parent: parent ?? undefined, attributes, failure }),
        run(work) {
          active.push(context);
          try {
            work();
          } finally {
            active.pop();
          }
        },
      };
    },
    now: () => world.now(),
    elapsed: () => world.now() / 1000,
  };

  return {
    ...(createTelemetryOn(backend, prefix) satisfies Telemetry),
    spans,
    counted: (name) => [...(counts.get(name)?.values() ?? [])],
    recorded: (name) => [...(times.get(name) ?? [])],
    observed: (name) => [...(observers.get(name) ?? [])].flatMap((observe) => observe()),
  };

  function contextUnder(parent: SpanContext | undefined): SpanContext {
    return { traceId: parent?.traceId ?? digits(), spanId: digits().slice(-16), traceFlags: 1 };
  }

  /** Thirty-two of them: an id of this world without its hyphens. */
  function digits(): string {
    return world.id().replaceAll('-', '');
  }
}

function keep<Item>(items: Item[], item: Item): void {
  items.push(item);
  if (items.length > keptMax) items.shift();
}
