// A channel's Durable Object: its log, its feed, and the border of a channel as RPC methods.
import { DurableObject } from 'cloudflare:workers';
import { Failure, type Logs, type World } from '@godwit/core';
import {
  createFeed,
  type AppendItem,
  type ChannelPage,
  type ChannelStat,
  type Feed,
  type NotedChannel,
  type Present,
  type PageQuery,
  type StreamQuery,
} from '@godwit/core/feed';
import type { AppendResult, Limits } from '@godwit/core/protocol';
import { createAlarm, type ObjectAlarm } from './alarm.ts';
import { pack, type Envelope } from './envelope.ts';
import { allowsPrivateWebhooks, limitsOf, retentionOf, type RelayEnv } from './environment.ts';
import { holdStream } from './held-stream.ts';
import { Lease } from './lease.ts';
import { createSqlLogs } from './log.ts';
import { openRegistry, registryName } from './registry.ts';
import { createRetentionSleeper, type RetentionSleeper } from './retention-alarm.ts';
import type { ChannelCalls } from './stub.ts';
import { createTelling, type Telling } from './telling.ts';
import { WebhooksTarget } from './webhooks/remote.ts';
import { createWebhookSleeper, type WebhookSleeper } from './webhooks/sleeper.ts';
import { createWorkersWorld } from './world.ts';

/** A stream of frames; one without a heartbeat comes with a lease, without which nobody would notice that its reader left. */
export interface LeasedStream {
  readonly stream: ReadableStream<Uint8Array>;
  readonly lease?: Lease;
}

/**
 * The Durable Object of a channel: export it from the Worker's main module under the class name that its binding
 * `CHANNELS` has. The methods are for the Worker beside it, which has authorised whom they serve.
 */
export class ChannelObject extends DurableObject<RelayEnv> implements ChannelCalls {
  readonly #world: World = createWorkersWorld();
  readonly #limitsOf: (channel: string) => Limits;
  readonly #logs: Logs;
  readonly #retention: RetentionSleeper;
  readonly #hooks: WebhookSleeper;
  readonly #alarm: ObjectAlarm;
  #feed: { readonly channel: string; readonly feed: Feed; readonly telling: Telling } | undefined;

  constructor(ctx: DurableObjectState, env: RelayEnv) {
    super(ctx, env);
    const { storage } = ctx;
    const world = this.#world;
    const limits = limitsOf(env);
    this.#limitsOf = retentionOf(env, limits);
    const isShared = (): boolean => this.#hooks.webhooks.isAny;
    const logs = createSqlLogs({ storage, world, report, isShared });
    this.#logs = logs;
    this.#retention = createRetentionSleeper({ logs, world, limitsOf: this.#limitsOf });
    const allowsPrivate = allowsPrivateWebhooks(env);
    this.#hooks = createWebhookSleeper({ storage, logs, world, limits, allowsPrivate, report });
    this.#alarm = createAlarm({ storage, world, sleepers: [this.#retention, this.#hooks], report });
  }

  /** See `ChannelCalls.append`. */
  append(channel: string, items: readonly AppendItem[]): Promise<Envelope<readonly AppendResult[]>> {
    return pack(async () => {
      const feed = this.#feedOf(channel);
      // Before: an object that dies behind the commit is to be woken, and sends what it has stored.
      const dueMs = this.#hooks.dueMs();
      if (dueMs !== null) await this.#alarm.by(dueMs);
      const results = await feed.append(items);
      this.#feed?.telling.touch();
      if (results.some(({ status }) => status === 'appended')) await this.#alarm.by(this.#retention.dueMs(channel));
      return results;
    });
  }

  /** See `ChannelCalls.page`. */
  page(channel: string, query: PageQuery): Promise<Envelope<ChannelPage>> {
    return pack(async () => {
      const page = await this.#feedOf(channel).page(query);
      if (page.events.length > 0) this.#feed?.telling.touch();
      return page;
    });
  }

  /** See `Channel.stream`. */
  stream(channel: string, query: StreamQuery): Promise<Envelope<LeasedStream>> {
    return pack(async () => {
      const stream = await this.#feedOf(channel).stream(query);
      this.#feed?.telling.touch();
      // Where the reader is gone, a heartbeat fails to be written before long, and that cancels the stream.
      if (query.heartbeat) return { stream };
      const held = holdStream(stream);
      return { stream: held.stream, lease: new Lease(held.end) };
    });
  }

  /** See `ChannelCalls.presence`. */
  presence(channel: string): Promise<Envelope<readonly Present[]>> {
    return pack(() => this.#feedOf(channel).presence());
  }

  /** See `ChannelCalls.stat`. */
  stat(channel: string): Promise<Envelope<ChannelStat>> {
    return pack(() => this.#feedOf(channel).stat());
  }

  /** See `ChannelCalls.remove`. */
  remove(channel: string): Promise<Envelope<boolean>> {
    return pack(async () => {
      const wasThere = await this.#feedOf(channel).remove();
      if (wasThere) this.#hooks.webhooks.removed(channel);
      this.#feed?.telling.reset();
      if (wasThere) await this.#tell(channel, null);
      return wasThere;
    });
  }

  /** The channel's webhooks. */
  webhooks(channel: string): WebhooksTarget {
    this.#feedOf(channel);
    return new WebhooksTarget(this.#hooks.webhooks, async () => {
      const nextMs = this.#hooks.webhooks.nextMs();
      if (nextMs !== null) await this.#alarm.by(nextMs);
    });
  }

  /** See `ChannelCalls.note`. */
  note(channel: string, stat: ChannelStat | null, asOf: number): Promise<Envelope<void>> {
    return pack(async () => openRegistry(this.ctx.storage.sql).note(channel, stat, asOf));
  }

  /** See `ChannelCalls.noted`. */
  noted(): Promise<Envelope<readonly NotedChannel[]>> {
    return pack(async () => openRegistry(this.ctx.storage.sql).noted());
  }

  /** Called by the platform: drops what is out of date, and sends what is due, also where nobody uses the channel any more. */
  override async alarm(): Promise<void> {
    await this.#alarm.ring();
  }

  /** Never rejects: the registry's numbers are as old as it says, and no channel waits for it. */
  async #tell(channel: string, stat: ChannelStat | null): Promise<void> {
    try {
      await this.env.CHANNELS.getByName(registryName).note(channel, stat, this.#world.now());
    } catch (error) {
      report(error);
    }
  }

  async #removeLog(channel: string): Promise<boolean> {
    try {
      return await this.#logs.remove(channel);
    } finally {
      // At once, before anything is appended to the next log: what that arms must not be forgotten.
      this.#alarm.forget();
    }
  }

  #feedOf(channel: string): Feed {
    if (this.#feed === undefined) {
      const [open, remove] = [() => this.#logs.open(channel), () => this.#removeLog(channel)];
      const [world, limits] = [this.#world, this.#limitsOf(channel)];
      const feed = createFeed({ channel, open, remove, world, limits, trimsByAge: false, report });
      const telling = createTelling(world, async () => {
        try {
          await this.#tell(channel, await feed.stat());
        } catch (error) {
          report(error);
        }
      });
      this.#feed = { channel, feed, telling };
    }
    if (this.#feed.channel === channel) return this.#feed.feed;
    throw new Failure('Internal', `the object of the channel "${this.#feed.channel}" was asked for "${channel}"`);
  }
}

function report(error: unknown): void {
  console.error(error);
}
