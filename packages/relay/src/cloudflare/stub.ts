// A channel's object from afar: what the Worker beside it asks, and how it is answered.
import type {
  AppendItem,
  ChannelPage,
  ChannelStat,
  NotedChannel,
  PageQuery,
  Present,
  StreamQuery,
} from '@godwit/core/feed';
import type { AppendResult } from '@godwit/core/protocol';
import type { Envelope } from './envelope.ts';
import type { PackedWebhooks } from './webhooks/remote.ts';

/** What crosses as it is. */
export interface ChannelCalls {
  /** See `Channel.append`. */
  append(channel: string, items: readonly AppendItem[]): Promise<Envelope<readonly AppendResult[]>>;
  /** See `Channel.page`. */
  page(channel: string, query: PageQuery): Promise<Envelope<ChannelPage>>;
  /** See `Channel.stat`. */
  stat(channel: string): Promise<Envelope<ChannelStat>>;
  /** See `Channel.presence`. */
  presence(channel: string): Promise<Envelope<readonly Present[]>>;
  /** See `Channel.remove`. */
  remove(channel: string): Promise<Envelope<boolean>>;
  /** Of the registry: a channel tells of itself. */
  note(channel: string, stat: ChannelStat | null, asOf: number): Promise<Envelope<void>>;
  /** Of the registry: what channels have told. */
  noted(): Promise<Envelope<readonly NotedChannel[]>>;
}

/** The object, as the Worker has it. */
export interface ChannelStub extends ChannelCalls {
  /** See `Channel.stream`. */
  stream(channel: string, query: StreamQuery): Promise<Envelope<Leased>>;
  /** Its verbs may be called at once, as one round trip. */
  webhooks(channel: string): PackedWebhooks;
}

/** Where the stubs come from: the binding `CHANNELS`. */
export interface ChannelNamespace {
  getByName(name: string): ChannelStub;
}

/** A stream, and what keeps its subscription alive. */
export interface Leased {
  readonly stream: ReadableStream<Uint8Array>;
  readonly lease?: Disposable;
}
