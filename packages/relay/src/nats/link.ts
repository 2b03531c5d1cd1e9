// One connection to NATS for as long as the relay lives: lost and found again, and whatever waits for it told so.
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import { Failure, textOf, type Stop, type Tell, type World } from '@godwit/core';
import { dial, jittered, shown } from './dial.ts';
import { isOfHost, storageFailure } from './failures.ts';
import type { NatsOptions } from './options.ts';

/** Between two tries, and half as much again by chance: a thousand relays do not come back together. */
const againMs = 1000;

/** A connection that does not end before it is closed. */
export interface NatsLink {
  readonly connection: NatsConnection;
  readonly streams: JetStreamManager['streams'];
  readonly consumers: JetStreamManager['consumers'];
  readonly publish: JetStreamClient['publish'];
  /** The largest message, in bytes, headers and all. */
  readonly payloadMax: number;
  /**
   * Asks NATS. What is under way when the connection is lost fails at once; it may have been done all the same.
   *
   * @throws Failure `StorageFailed`, `Closed`
   */
  ask<Answer>(request: () => Promise<Answer>): Promise<Answer>;
  /**
   * Hears what is published, through lost connections. Whatever `callback` throws is told.
   *
   * @throws Failure `Closed`
   */
  listen(subject: string, callback: (error: Error | null, message: Msg) => void): Subscription;
  /** The connection was lost, or the link was closed. */
  onLoss(listener: () => void): Stop;
  /** JetStream answers again, after it did not. */
  onReturn(listener: () => void): Stop;
  /** A stream has lost messages though the connection never was: whoever hears of returns hears of that. */
  lost(): void;
  ready(): Promise<void>;
  close(): Promise<void>;
}

/** What a link needs of its relay. */
export interface LinkParts {
  readonly world: World;
  readonly tell: Tell;
}

/**
 * Connects, and looks whether JetStream is there.
 *
 * @throws Failure `Unreachable` after some seconds; `Unauthenticated`, `Forbidden` or `Unsupported` where that would not help
 */
export async function openLink(options: NatsOptions, { world, tell }: LinkParts): Promise<NatsLink> {
  const { connection, manager, greet } = await dial(options, world);
  const client = manager.jetstream();

  /** What is under way, and what ends it. */
  const waiting = new Set<(failure: Failure) => void>();
  const losses = new Set<() => void>();
  const returns = new Set<() => void>();
  let { isConnected, isClosed } = { isConnected: true, isClosed: false };
  /** It did not answer, and has not answered since; and whether it is asked. */
  let { isAway, isAsked } = { isAway: false, isAsked: false };
  let payloadMax = connection.info?.max_payload ?? 0;
  let stopProbe: Stop | undefined;
  let told = '';

  const endAll = (failure: Failure): void => {
    for (const reject of waiting) reject(failure);
    for (const lost of losses) lost();
  };
  const ask = async <Answer>(request: () => Promise<Answer>): Promise<Answer> => {
    if (isClosed) throw closed();
    // NATS's client would keep it until the server is back, and send it then.
    if (!isConnected) throw away(options);
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    waiting.add(reject);
    request().then(resolve, reject);
    try {
      return await promise;
    } catch (error) {
      if (isOfHost(error)) doubt();
      throw storageFailure(error, connection.getServer());
    } finally {
      waiting.delete(reject);
    }
  };
  /** One stream may be without its leader, or gone, while the others are well: nothing is held up until that is known. */
  const doubt = (): void => {
    if (isAsked || isClosed) return;
    isAsked = true;
    void probe();
  };
  const probeIn = (ms: number): void => {
    stopProbe?.();
    stopProbe = world.after(ms, () => void probe());
  };
  const probe = async (): Promise<void> => {
    // When the connection is back, that asks.
    if (isClosed || !isConnected) return;
    try {
      await ask(greet);
    } catch {
      isAway = true;
      if (!isClosed) probeIn(jittered(againMs, world));
      return;
    }
    isAsked = false;
    if (!isAway) return;
    isAway = false;
    returned();
  };
  const returned = (): void => {
    for (const listener of returns) listener();
  };
  const watch = async (): Promise<void> => {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') {
        isConnected = false;
        isAway = isAsked = true;
        endAll(away(options));
        if (!isClosed)
          tell(new Failure('Unreachable', `the connection to NATS at ${shown(options)} was lost`), {}, 'warn');
      } else if (status.type === 'reconnect') {
        isConnected = true;
        payloadMax = connection.info?.max_payload ?? payloadMax;
        probeIn(0);
        told = '';
      } else if (status.type === 'error' && status.error.message !== told) {
        // Once for an outage, not with each try.
        told = status.error.message;
        tell(storageFailure(status.error, connection.getServer()), {}, 'warn');
      }
    }
  };
  void watch();
  const giveUp = async (): Promise<void> => {
    const error = await connection.closed();
    // It was to try for ever: whoever runs the relay has to know that it does not.
    if (!isClosed)
      tell(new Failure('Unreachable', `NATS’s client has given up: ${textOf(error)}; start the relay again`));
  };
  void giveUp();

  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    isClosed = true;
    stopProbe?.();
    endAll(closed());
    await connection.close();
  };
  return {
    connection,
    streams: manager.streams,
    consumers: manager.consumers,
    async publish(subject, body, its) {
      // Not before whoever waits for its return has heard of it: they may know of something that it has lost.
      if (isAway) throw unsure(options);
      return client.publish(subject, body, its);
    },
    get payloadMax() {
      return payloadMax;
    },
    ask,
    listen(subject, callback) {
      if (isClosed) throw closed();
      return connection.subscribe(subject, {
        callback(error, message) {
          // Thrown on, it would end the connection's reading, and nobody would know.
          try {
            callback(error, message);
          } catch (thrown) {
            tell(thrown);
          }
        },
      });
    },
    onLoss: (listener) => hears(losses, listener),
    onReturn: (listener) => hears(returns, listener),
    lost() {
      if (!isAway && !isClosed) returned();
    },
    ready: async () => void (await ask(greet)),
    close: () => (closing ??= close()),
  };
}

function hears(listeners: Set<() => void>, listener: () => void): Stop {
  // An object of its own: the same function may listen twice.
  const its = (): void => listener();
  listeners.add(its);
  return () => void listeners.delete(its);
}

function away(options: NatsOptions): Failure {
  const message = `there is no connection to NATS at ${shown(options)} now: it is tried again and again`;
  return new Failure('StorageFailed', message, { retryAfterMs: againMs });
}

function unsure(options: NatsOptions): Failure {
  const message = `NATS at ${shown(options)} has not answered lately: it is asked whether it is there again`;
  return new Failure('StorageFailed', message, { retryAfterMs: againMs });
}

function closed(): Failure {
  return new Failure('Closed', 'the connection to NATS is closed');
}
