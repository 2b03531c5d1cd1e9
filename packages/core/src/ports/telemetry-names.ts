// Every name that telemetry speaks, in one place: instruments with their units and buckets, spans, attributes. An adapter
// puts its prefix before each of them.

/** What is counted; where it may fail, `outcome` tells. */
export type CounterName =
  /** Events handed to `publish`: `success` is stored, `failure` refused. */
  | 'published'
  /** Events that the relay answered: `appended`, `duplicate`, `refused`. */
  | 'appended'
  /** Requests that brought the relay events. */
  | 'requests'
  /** Runs of a handler, those that throw included, with `error`. */
  | 'executions'
  /** Events that a durable handler is through with, counted after the commit: `success`, or `failure` (dead, now). */
  | 'handled'
  /** Events that a durable handler has taken from the log, counted after the commit. */
  | 'processed'
  /** The batches in which it did so. */
  | 'batches'
  /** Events that came to nothing, by `reason`. */
  | 'dropped'
  /** Events that left the device's log by its retention. */
  | 'trimmed';

/** What is timed, in seconds. */
export type HistogramName =
  /** From the call of `publish` until the event is stored. */
  | 'publish.duration'
  /** At the relay: from the request's events being read until they are committed. */
  | 'append.duration'
  /** Publish to handle: from the event's `time` until a handler begins with it. */
  | 'handle.latency'
  /** Processing: from taking a batch from the log until its outcomes are committed. */
  | 'process.duration'
  /** Executing: one run of a handler. */
  | 'execute.duration';

/** What is observed when somebody looks. */
export type GaugeName =
  /** Events of this device that the relay has not confirmed. */
  | 'pending'
  /** Events that a durable handler has still to get through. */
  | 'backlog'
  /** Age of the oldest of them, in seconds. */
  | 'oldest.age'
  /** Dead letters. */
  | 'dead'
  /** 1 for the `state` that a scheduler is in, 0 for the others. */
  | 'scheduler.state';

/** What is followed. */
export type SpanName =
  /** One event, by its publisher; its traceparent travels in the event. */
  | 'publish'
  /** One request, by the relay: linked to the publisher's span of each event. */
  | 'append'
  /** A batch of a durable handler. */
  | 'process'
  /** One event with one handler: a root, linked to its batch's span and to the publisher's. */
  | 'handle';

/** What may be said of them, and as what. */
interface AttributeValues {
  'event.type': string;
  'event.id': string;
  channel: string;
  /** A durable handler's name; a live one's pattern. */
  handler: string;
  'handler.kind': 'live' | 'durable';
  outcome: string;
  /** Whether it failed. */
  error: boolean;
  /** The failure's name. */
  failure: string;
  /** Why it was dropped. */
  reason: string;
  /** Which try it was, from 1. */
  attempt: number;
  /** Whether it is not tried again. */
  final: boolean;
  'batch.size': number;
  /** A scheduler's state. */
  state: string;
}

/** What is said of them; undefined is not said. On metrics only what has few values: never an id. */
export type TelemetryAttributes = { readonly [Name in keyof AttributeValues]?: AttributeValues[Name] | undefined };

/** An instrument, as backends want to know it. */
export interface Instrument {
  /** UCUM, as OpenTelemetry has it. */
  readonly unit: string;
  readonly description: string;
}

/** A histogram's upper bounds, in seconds, ascending. */
export type Buckets = readonly number[];

/** From a disk's commit to a device that was offline for some minutes. */
export const latencyBuckets: Buckets = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];
/** A handler's own time. */
export const executionBuckets: Buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const events = '{event}';

/** Every counter. */
export const telemetryCounters: Readonly<Record<CounterName, Instrument>> = {
  published: { unit: events, description: 'Events handed to publish: stored, or refused.' },
  appended: { unit: events, description: 'Events that the relay appended, held already, or refused.' },
  requests: { unit: '{request}', description: 'Requests that brought the relay events.' },
  executions: { unit: '{run}', description: 'Runs of a handler, those that throw included.' },
  handled: { unit: events, description: 'Events that a durable handler is through with.' },
  processed: { unit: events, description: 'Events that a durable handler has taken from the log.' },
  batches: { unit: '{batch}', description: 'Batches that a durable handler has taken from the log.' },
  dropped: { unit: events, description: 'Events that came to nothing, by reason.' },
  trimmed: { unit: events, description: 'Events that left the log by its retention.' },
};

/** Every histogram. */
export const telemetryHistograms: Readonly<Record<HistogramName, Instrument & { readonly buckets: Buckets }>> = {
  'publish.duration': { unit: 's', description: 'Until an event is stored.', buckets: latencyBuckets },
  'append.duration': { unit: 's', description: 'Until a request is committed.', buckets: latencyBuckets },
  'handle.latency': { unit: 's', description: 'From publish to handle.', buckets: latencyBuckets },
  'process.duration': { unit: 's', description: 'From claim to commit of a batch.', buckets: latencyBuckets },
  'execute.duration': { unit: 's', description: 'One run of a handler.', buckets: executionBuckets },
};

/** Every gauge. */
export const telemetryGauges: Readonly<Record<GaugeName, Instrument>> = {
  pending: { unit: events, description: 'Events that the relay has not confirmed.' },
  backlog: { unit: events, description: 'Events that a durable handler has still to get through.' },
  'oldest.age': { unit: 's', description: 'Age of the oldest event of the backlog.' },
  dead: { unit: events, description: 'Dead letters.' },
  'scheduler.state': { unit: '1', description: '1 for the state that a scheduler is in, 0 for the others.' },
};

/** What a span is to others. */
export type SpanKind = 'internal' | 'server' | 'producer' | 'consumer';

/** Every span: what it is to others, and what counts and times it where it is watched. */
export const telemetrySpans: Readonly<
  Record<SpanName, { readonly kind: SpanKind; readonly counter: CounterName; readonly histogram: HistogramName }>
> = {
  publish: { kind: 'producer', counter: 'published', histogram: 'publish.duration' },
  append: { kind: 'server', counter: 'requests', histogram: 'append.duration' },
  process: { kind: 'internal', counter: 'batches', histogram: 'process.duration' },
  handle: { kind: 'consumer', counter: 'executions', histogram: 'execute.duration' },
};
