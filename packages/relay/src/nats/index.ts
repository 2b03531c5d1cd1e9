// Several relays that share their logs by NATS JetStream, on Node: an entry of its own, so that nobody else loads it.
export { createJetStreams, type JetStreams } from './jetstream.ts';
export type { NatsOptions, NatsTls } from './options.ts';
export type { Message, StoredHead, StoredMessage, Stream, Streams } from './stream.ts';
