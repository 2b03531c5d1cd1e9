// What a leader does: pushes every outbox, pulls every channel, and says how it stands with the relay.
import { failureToJson, type Failure } from '../failure.ts';
import type { CloudEvent } from '../event/cloudevent.ts';
import type { Link } from '../ports/link.ts';
import type { Store } from '../ports/store.ts';
import type { Refusal, Refusals } from '../ports/tabs.ts';
import type { World } from '../ports/world.ts';
import { createEphemeralPush } from './ephemeral.ts';
import { createMerger, type Merger } from './merge.ts';
import { startPull, type SyncStep } from './pull.ts';
import { startPush } from './push.ts';
import { createTurns } from '../timing/turns.ts';

/**
 * How many channels push at the same time. A browser has six connections to an origin, over which it sends more one after the
 * other, while the time of each runs; over HTTP/2 there is room for these.
 */
const pushesMax = 16;

/** How the leader stands with the relay. */
export type SyncConnection = 'connecting' | 'online' | 'offline' | 'needs-auth';

/** What the sync tells of its doings. */
export interface SyncEvents {
  connection(connection: SyncConnection): void;
  /** Channels that the relay refuses for now. */
  paused(channels: Refusals): void;
  /** Events left the outbox. */
  confirmed(events: number, bytes: number): void;
  /** The device's log is lost to this tab: nothing can go on. */
  lost(failure: Failure): void;
  /** Every outbox was found empty at some point since it last grew. */
  idle(): void;
  /** The log grew. */
  merged(): void;
  /** Ephemeral events came from the relay. */
  ephemeral(channel: string, events: readonly CloudEvent[]): void;
  /** A channel is being read; or what the relay held of it then is in the log. */
  synced(channel: string, step: SyncStep): void;
  dropped(channel: string, reason: string, events: number): void;
  report(failure: Failure): void;
}

/** A running sync. */
export interface Sync {
  /** The outbox of this channel may have grown. */
  wake(channel: string): void;
  /** Reads this channel too. */
  read(channel: string, from: string): Promise<void>;
  /** Reads this channel no longer. */
  leave(channel: string): void;
  /** There may be a way to the relay again: who waits for the next try waits for a first backoff at most. */
  hurry(): void;
  /** Sends ephemeral events. */
  relay(channel: string, events: readonly CloudEvent[]): void;
  /** Resolves when the signal has aborted and everything has ended. */
  readonly ended: Promise<void>;
}

/** Syncs until the signal aborts. `channels` are those to read, each with where a new device begins. */
export async function startSync(parts: {
  readonly store: Store;
  readonly link: Link;
  readonly world: World;
  readonly source: string;
  readonly channels: ReadonlyMap<string, string>;
  readonly events: SyncEvents;
  readonly signal: AbortSignal;
}): Promise<Sync> {
  const { store, link, world, source, events, signal } = parts;
  const state = await store.state();
  const mergers = new Map<string, Merger>();
  /** Channels with something to send that wait until it is known where their reading begins: else their echoes were missed. */
  const unbegun = new Set<string>();
  const pushers = new Map<string, ReturnType<typeof startPush>>();
  const inTurn = createTurns(pushesMax);
  const forbidden = { push: new Map<string, Refusal>(), pull: new Map<string, Refusal>() };
  let connection: SyncConnection = 'connecting';
  /**
   * Whether a push that comes through is news to a stream that waits: behind a stream that came through, or a push that did
   * not. Where pushes pass and streams do not, each would else try one.
   */
  let isNews = true;

  const ephemeral = createEphemeralPush({
    link,
    world,
    signal,
    isOnline: () => connection === 'online',
    dropped: (channel, reason, count) => events.dropped(channel, reason, count),
  });
  for (const [channel, from] of parts.channels) mergers.set(channel, mergerOf(channel, from, state.channels[channel]));
  const puller = startPull({
    mergers,
    link,
    world,
    signal,
    events: {
      reached(failure) {
        isNews ||= failure === undefined;
        reached(failure);
      },
      forbidden(channel, failure) {
        setForbidden('pull', channel, failure);
        if (failure !== undefined) begun(channel);
      },
      // Our own were delivered when they were published.
      ephemeral: (channel, event) => event.source === source || events.ephemeral(channel, [event]),
      synced: events.synced,
      dropped: events.dropped,
      report: events.report,
      lost: events.lost,
    },
  });
  for (const [channel, { pendingEvents }] of Object.entries(state.channels)) if (pendingEvents > 0) wake(channel);
  if (!signal.aborted) events.connection(connection);

  return {
    wake,
    async read(channel, from) {
      if (mergers.has(channel)) return;
      const known = (await store.state(channel)).channels[channel];
      // Another call may have come first while this one was reading.
      if (mergers.has(channel)) return;
      mergers.set(channel, mergerOf(channel, from, known));
      puller.restart();
    },
    leave(channel) {
      if (mergers.delete(channel)) puller.restart();
      setForbidden('pull', channel);
      begun(channel);
    },
    hurry() {
      puller.hurry();
      for (const pusher of pushers.values()) pusher.hurry();
    },
    relay: (channel, batch) => ephemeral.send(channel, batch),
    get ended() {
      return Promise.all([puller.ended, ...[...pushers.values()].map((pusher) => pusher.ended)]).then(() => undefined);
    },
  };

  function wake(channel: string): void {
    const pusher = pushers.get(channel);
    if (pusher !== undefined) pusher.wake();
    else if (signal.aborted) return;
    else if (mergers.get(channel)?.hasBegun === false && !forbidden.pull.has(channel)) unbegun.add(channel);
    else pushers.set(channel, pusherOf(channel));
  }

  function begun(channel: string): void {
    if (unbegun.delete(channel)) wake(channel);
  }

  function mergerOf(channel: string, from: string, known: Parameters<typeof createMerger>[0]['state']): Merger {
    const merged = (): void => {
      events.merged();
      begun(channel);
    };
    return createMerger({ channel, source, from, state: known, store, world, merged });
  }

  function pusherOf(channel: string): ReturnType<typeof startPush> {
    return startPush({
      channel,
      store,
      link,
      world,
      inTurn,
      signal,
      events: {
        confirmed(count, bytes, refused) {
          events.confirmed(count, bytes);
          if (refused > 0) events.dropped(channel, 'refused', refused);
        },
        idle: events.idle,
        reached(failure) {
          if (failure !== undefined) isNews = true;
          else if (isNews && connection !== 'online') {
            isNews = false;
            puller.resume();
          }
          reached(failure);
        },
        forbidden: (failure) => setForbidden('push', channel, failure),
        report: events.report,
        lost: events.lost,
      },
    });
  }

  function reached(failure: Failure | undefined): void {
    if (failure === undefined) setConnection('online');
    else if (failure.name === 'Unauthenticated') setConnection('needs-auth');
    else if (failure.name !== 'RateLimited') setConnection('offline');
  }

  function setConnection(next: SyncConnection): void {
    if (signal.aborted || next === connection) return;
    connection = next;
    events.connection(connection);
    if (connection === 'online') for (const pusher of pushers.values()) pusher.resume();
  }

  function setForbidden(way: 'push' | 'pull', channel: string, failure?: Failure): void {
    const its = forbidden[way];
    if (failure !== undefined) its.set(channel, failureToJson(failure, { stack: false }));
    else if (!its.delete(channel)) return;
    events.paused(new Map([...forbidden.pull, ...forbidden.push]));
  }
}
