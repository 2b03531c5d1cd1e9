// The relay's defaults, each with its reason. Every one is an option.

/** What a relay admits and keeps. */
export interface Limits {
  /** The largest event, in bytes of its JSON. */
  readonly eventBytesMax: number;
  /** The most events in one POST. */
  readonly batchEventsMax: number;
  /** The largest body of one POST, in bytes. */
  readonly batchBytesMax: number;
  /** How long a channel keeps an event, in milliseconds. */
  readonly retentionMs: number;
  /** How much a channel keeps, in bytes of its events' JSON. */
  readonly retentionBytes: number;
  /** How many events a channel keeps; a commit more at most. */
  readonly retentionEvents: number;
  /** The most subscribers of one channel. */
  readonly subscribersMax: number;
  /** How much of a channel's newest end is held in memory for its readers, in bytes. */
  readonly ringBytes: number;
  /** The most channels on one connection. */
  readonly channelsPerConnectionMax: number;
  /** The most connections of one client's address, on Node. */
  readonly connectionsPerClientMax: number;
  /** The most webhooks of one channel, on Node. */
  readonly webhooksPerChannelMax: number;
  /** The most requests of one token in a second, and at once. */
  readonly requestsPerSecondMax: number;
  /** How long a request's headers may take, in milliseconds, on Node. */
  readonly headersMsMax: number;
  /** How long a request may take with its body, in milliseconds, on Node. */
  readonly requestMsMax: number;
  /** The largest page. */
  readonly pageEventsMax: number;
  /** The longest that a long poll waits, in milliseconds. */
  readonly waitMsMax: number;
  /** How often a silent stream says that it is alive, in milliseconds. */
  readonly heartbeatMs: number;
  /** How long a client counts as present after its last connection has ended, in milliseconds: the same at all relays of one log. */
  readonly presenceMs: number;
}

const KiB = 1024;
const MiB = 1024 * KiB;
const dayMs = 24 * 60 * 60 * 1000;

// What devices go by as well stands by itself, so that they need not load the others.

/** Four times the size that most queues take for one message; larger things belong in a blob store, by reference. */
export const eventBytesMax: number = 256 * KiB;
/** A query of 100 of the longest names and offsets has up to 46 KiB, percent-encoded: the relay on Node admits 64. */
export const channelsPerConnectionMax = 100;
/** How often a silent stream says that it is alive, in milliseconds. */
export const heartbeatMs = 15_000;

/** The defaults of PROTOCOL.md, rule 10. */
export const defaultLimits: Limits = {
  eventBytesMax,
  batchEventsMax: 1000,
  batchBytesMax: MiB,
  retentionMs: 7 * dayMs,
  retentionBytes: 1024 * MiB,
  // More than fit into the size above: it is bytes that decide, unless somebody says otherwise.
  retentionEvents: 1_000_000_000,
  subscribersMax: 100_000,
  // Some seconds of a busy channel: whoever lags further reads from the log.
  ringBytes: MiB,
  channelsPerConnectionMax,
  // A company behind one address stays below it; idle, they take some 120 MiB, which is what one address may cost.
  connectionsPerClientMax: 10_000,
  // Each is sent every event by itself: a channel of more is one to be read by a service that tells the others.
  webhooksPerChannelMax: 20,
  // About what one process serves in all: no token makes the others wait behind more than a second of its requests.
  requestsPerSecondMax: 10_000,
  // Headers that take longer are an attack, or a network on which nothing would work.
  headersMsMax: 15_000,
  // A full batch takes this over 300 kbit/s.
  requestMsMax: 30_000,
  pageEventsMax: 1000,
  // Below the 60 s after which common proxies cut an idle connection.
  waitMsMax: 30_000,
  heartbeatMs,
  // Longer than it takes to change networks or to reload, which is no leaving.
  presenceMs: 10_000,
};
