// Starts a relay on Node: the app, on SQLite, behind HTTP; and ends it without losing anybody.
import { Failure, guarded, worldOf, type Logger, type Reporter, type Telemetry } from '@godwit/core';
import { createChannels } from '@godwit/core/feed';
import type { Limits, RetentionRule } from '@godwit/core/protocol';
import { openApp } from '../app.ts';
import { createAuthority, type Access } from '../authority/access.ts';
import { checkedOrigins, type Origins } from '../cors.ts';
import { limitsWith } from '../limits.ts';
import { assertFolder, withAssets } from './assets.ts';
import { createBackups } from './backups.ts';
import { logsOf, type Cluster } from './cluster.ts';
import { prepareNotes, type Bridge } from './bridges.ts';
import { checkedProxies, loopback } from './crowd.ts';
import { endWithinMs, listen } from './listen.ts';
import { stderrLogger } from './log.ts';
import { postOnNode } from './posts.ts';
import { seldom } from './seldom.ts';
import { createSocketStreams } from './socket-streams.ts';
import { createSockets } from './sockets.ts';
import { fileIn, type Durability } from './sqlite/database.ts';
import { openSqliteLogs } from './sqlite/logs.ts';
import { version } from './version.ts';
import { startWebhooks } from './webhooks/start.ts';

/** How a relay is run. One of `insecure`, `secret`, `publicKey`, `jwksUrl` and `authorize` must be said. */
export interface RelayOptions extends Access {
  /** 0 takes any that is free. */
  readonly port?: number;
  readonly host?: string;
  /** The folder of its one file. */
  readonly data: string;
  /**
   * Shares the channels with other relays, as `natsCluster` of `@godwit/relay/nats`. Its file then holds its webhooks, and how far its
   * bridges are; the events are where the cluster keeps them, as durable as that is.
   */
  readonly cluster?: Cluster | undefined;
  /** What an acknowledgement survives; the loss of power unless said otherwise. */
  readonly durability?: Durability;
  /** Pages of which origins may use it; any when it is insecure. */
  readonly cors?: Origins;
  readonly limits?: Partial<Limits>;
  /** What channels keep whose names match; the first rule that matches decides, above `limits`. */
  readonly retention?: readonly RetentionRule[] | undefined;
  /** Addresses of proxies in front of it: their connections are those of many clients. Those of this machine unless said. */
  readonly proxies?: readonly string[] | undefined;
  /** A folder of files to serve beside, but for hidden ones and what links lead to outside of it; `data` does not lie in it. */
  readonly assets?: string;
  /** The largest that the file may grow. */
  readonly fileBytesMax?: number;
  /** Whether webhooks may go to private addresses, to this machine, and over plain HTTP. For development, or a network of one's own. */
  readonly allowPrivateWebhooks?: boolean | undefined;
  /** Transports to other systems that the relay opens itself, as `mqttBridge` of `@godwit/relay/mqtt`. */
  readonly bridges?: readonly Bridge[];
  /** Nothing else runs in this process: posts cost less with the lighter global `Request` and `Response` of Hono's server. */
  readonly ownsProcess?: boolean;
  /** Gets a line for what goes wrong on the relay's side; JSON on stderr unless said. */
  readonly logger?: Logger;
  /** Hears of each such failure, too: for a service that collects errors. */
  readonly report?: Reporter;
  /** Counts, times and follows what is appended; `createTelemetry` of `@godwit/otel` makes one. */
  readonly telemetry?: Telemetry;
}

/** A relay that runs. */
export interface RunningRelay {
  readonly url: string;
  /** Ends what is under way, tells every reader to come back, and lets go of the file. */
  close(): Promise<void>;
}

/** Readers of a relay that ends come back within this, each at a time of its own. */
const comeBackWithinMs = 2000;
/** What the ways to be let in are called on the command line, or are in code. */
const names = {
  insecure: '--insecure',
  secret: '--secret-file',
  publicKey: '--public-key-file',
  jwksUrl: '--jwks-url',
  authorize: '`authorize`',
} as const;

/**
 * Starts a relay.
 *
 * @throws Failure `InvalidOptions` when nothing, or more than one thing, says who may use it, or another option is wrong, `StorageFailed` when its file cannot be opened
 */
export async function startRelay(options: RelayOptions): Promise<RunningRelay> {
  const world = worldOf(globalThis);
  const { data, durability = 'fsync', logger = stderrLogger, report, telemetry, assets, fileBytesMax } = options;
  // Whatever is said wrongly is told before any file is made.
  const port = checkedPort(options.port ?? 8787);
  const origins = checkedOrigins(options.cors ?? (options.insecure === true ? 'any' : []));
  const limits = limitsWith(options.limits ?? {}, '`limits`');
  const proxies = checkedProxies(options.proxies ?? loopback);
  if (assets !== undefined) assertFolder(assets, data);
  const { tell, stop: stopTelling } = seldom(guarded({ logger, report }), world);
  const authority = await createAuthority(options, {
    world,
    fetch: (url, init) => fetch(url, init),
    sharesFetches: true,
    // An operator's matter that passes by itself: a warning.
    report: (failure) => tell(failure, {}, 'warn'),
    origins: origins === 'any' ? [] : origins,
    names,
    without: 'a relay needs a key, or to be told that it is open to all: --secret-file FILE or --insecure',
  });
  const file = { path: fileIn(data), durability, world };
  const own = openSqliteLogs(fileBytesMax === undefined ? file : { ...file, bytesMax: fileBytesMax });
  const { cluster } = options;
  const { logs, ready, neighbours } = await logsOf(own, cluster, { limits, world, tell }).catch(
    async (error: unknown) => {
      await own.close();
      stopTelling();
      throw error;
    },
  );
  if (own.begunAnew !== undefined && cluster === undefined) {
    const why = {
      lost: `the machine went down while ${file.path} was not synced (--durability os)`,
      restored: `${file.path} is a backup`,
      replaced: `${file.path} is not the file that the relay has left there, but perhaps an older copy of it`,
      copied: `${file.path} was copied there, and may be older than the relay's (\`godwit relay moved\`, before the start, says that it is not)`,
    };
    const message = `${why[own.begunAnew]}: every log begins a new epoch, and readers are told of a gap`;
    tell(new Failure('StorageFailed', message), {}, 'warn');
  }
  if (own.durability !== durability) {
    const message = `${file.path} has no room to say that its newest events are not synced: until the next start, each commit waits for the disk, as by fsync`;
    tell(new Failure('StorageFailed', message), {}, 'warn');
  }
  const webhooks = startWebhooks({
    logs,
    database: own.database,
    world,
    limits,
    allowsPrivate: options.allowPrivateWebhooks === true,
    report: tell,
  });
  const followed = { ...logs, remove: async (channel: string) => forgetting(channel, await logs.remove(channel)) };
  const { retention } = options;
  const channels = createChannels({ logs: followed, neighbours, world, limits, retention, report: tell });
  const notes = prepareNotes(own.database);
  const told = { report: (failure: Failure) => tell(failure), telemetry };
  const streams = createSocketStreams();
  const sockets = createSockets(limits);
  const ways = { bodyOf: streams.bodyOf, upgrade: sockets.upgrade };
  // Of a cluster's channels its host makes the copies.
  const backup = cluster === undefined ? createBackups(own.database, data) : undefined;
  const served = { channels, webhooks, backup, authority, limits, world, ...ways };
  const { app, post } = openApp({ ...served, ...told, version, cors: origins, ready });
  const bridges = (options.bridges ?? []).map((bridge) => bridge({ channels, limits, world, notes, tell }));
  try {
    const server = await listen({
      fetch: assets === undefined ? app.fetch : withAssets(app, assets).fetch,
      // A hook may have read the body, by a clone of the request: only that knows of it.
      post: options.authorize === undefined ? postOnNode(post) : undefined,
      streamOf: streams.take,
      sockets,
      ownsProcess: options.ownsProcess,
      host: options.host ?? '127.0.0.1',
      port,
      limits,
      proxies,
    });
    let closing: Promise<void> | undefined;
    return {
      url: server.url,
      close() {
        closing ??= (async () => {
          const endBy = world.now() + endWithinMs;
          channels.drain(() => world.random() * comeBackWithinMs);
          await Promise.all([server.close(), ...bridges.map((bridge) => bridge.stop())]);
          // Deliveries go on until now: no more time than is left of all.
          await webhooks.stop(endBy - world.now());
          sockets.stop();
          await channels.close();
          await logs.close();
        })().finally(stopTelling);
        return closing;
      },
    };
  } catch (error) {
    await Promise.all(bridges.map((bridge) => bridge.stop()));
    await webhooks.stop();
    sockets.stop();
    await logs.close();
    stopTelling();
    throw error;
  }

  /** A channel's webhooks go on with its next log. */
  function forgetting(channel: string, wasThere: boolean): boolean {
    if (wasThere) webhooks.removed(channel);
    return wasThere;
  }
}

function checkedPort(port: number): number {
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new Failure('InvalidOptions', `\`port\` is a whole number from 0 to 65535; got ${port}`);
}
