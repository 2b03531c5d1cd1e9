// The relay on Cloudflare Workers: what a user's Worker exports.
export { ChannelObject, type LeasedStream } from './channel-object.ts';
export type { Envelope } from './envelope.ts';
export type { RelayEnv } from './environment.ts';
export type { ChannelCalls, ChannelNamespace, ChannelStub } from './stub.ts';
export { createWorker, type RelayWorker, type WorkerOptions } from './worker.ts';
