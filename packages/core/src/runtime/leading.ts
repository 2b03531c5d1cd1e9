// What a tab does while it leads: it syncs, unless the application paused that; a pause ends the sync, not the lead.
import { isFinal, toFailure, type Failure } from '../failure.ts';
import type { CloudEvent } from '../event/cloudevent.ts';
import type { Link } from '../ports/link.ts';
import type { Store } from '../ports/store.ts';
import type { Tabs } from '../ports/tabs.ts';
import type { World } from '../ports/world.ts';
import { aborted, pause } from '../timing/wait.ts';
import type { SyncStep } from '../sync/pull.ts';
import { startSync, type Sync } from '../sync/sync.ts';
import { watchDepartures, type Departures } from './departures.ts';
import type { Outbox } from './outbox.ts';
import type { Reading } from './reading.ts';
import type { Standing } from './standing.ts';

/** How long after an outbox has grown its leader asks the disk what waits, in milliseconds: once for all that came meanwhile. */
const recountMs = 1000;

/** A tab's way of leading. */
export interface Leading {
  /** Leads until the signal aborts. */
  lead(signal: AbortSignal, term: number): Promise<void>;
  /** The outbox of this channel may have grown. */
  wake(channel: string): void;
  /** A tab says that it reads something, or that it closes. While this one leads, it hears of those that end without a word. */
  heard(tab: string, isHere: boolean): void;
  /** Looks again whether it is paused. */
  reconsider(): void;
  /** There may be a way to the relay again, or something to send that nobody has told of: a message may be lost. */
  hurry(): void;
  /** The sync, while there is one. */
  readonly sync: Sync | undefined;
}

/** Makes a tab able to lead. */
export function createLeading(parts: {
  readonly store: Store;
  readonly tabs: Tabs;
  readonly link: Link;
  readonly world: World;
  readonly source: () => string;
  readonly reading: Reading;
  readonly standing: Standing;
  readonly outbox: Outbox;
  readonly grew: () => void;
  /** A tab has ended without a word. */
  readonly departed: (tab: string) => void;
  readonly ephemeral: (channel: string, events: readonly CloudEvent[]) => void;
  readonly synced: (channel: string, step: SyncStep) => void;
  readonly dropped: (channel: string, reason: string, events: number) => void;
  /** The device's log is lost to this tab. */
  readonly lost: (failure: Failure) => void;
  readonly report: (failure: Failure) => void;
}): Leading {
  const { store, tabs, link, world, reading, standing, outbox, report } = parts;
  let until: AbortController | undefined;
  let sync: Sync | undefined;
  let departures: Departures | undefined;
  /** Channels that grew while a sync was starting, which may have looked at the outbox just before. */
  const grown = new Set<string>();
  /** Until when this tab leads, or has led. */
  let lead: AbortSignal | undefined;
  let isRecountDue = false;

  return {
    async lead(signal, term) {
      if (tabs.exclusive) {
        standing.setRole('leader');
        // Whoever was robbed says and sends nothing any more as a leader, however long what is under way takes.
        signal.addEventListener('abort', () => standing.setRole('follower'), { once: true });
      }
      // Tabs that crashed did not say so; those that live answer this.
      reading.forgetOthers();
      departures = watchDepartures({ tabs, signal, departed: (tab) => void lookFor(tab, signal) });
      tabs.announce({ kind: 'leader', term });
      // Who led before may have died between storing something and saying so.
      parts.grew();
      lead = signal;
      void recountSoon();
      try {
        while (!signal.aborted) {
          until = new AbortController();
          const either = AbortSignal.any([signal, until.signal]);
          if (standing.paused) await aborted(either);
          else await syncUntil(either);
        }
      } catch (error) {
        if (!isFinal(error)) throw error;
        parts.lost(toFailure(error));
      } finally {
        until?.abort();
        if (tabs.exclusive) standing.setRole('follower');
      }
    },
    wake,
    heard: (tab, isHere) => departures?.hear(tab, isHere),
    reconsider: () => until?.abort(),
    hurry() {
      sync?.hurry();
      void recountSoon();
    },
    get sync() {
      return sync;
    },
  };

  /** It may have died, or been ended where it hung, between storing something and saying so: only the disk knows. */
  async function lookFor(tab: string, signal: AbortSignal): Promise<void> {
    parts.departed(tab);
    await recount(signal);
  }

  function wake(channel: string): void {
    send(channel);
    void recountSoon();
  }

  function send(channel: string): void {
    if (sync === undefined) grown.add(channel);
    else sync.wake(channel);
  }

  async function recountSoon(): Promise<void> {
    const signal = lead;
    if (signal === undefined || isRecountDue) return;
    isRecountDue = true;
    await pause(world, recountMs, signal);
    isRecountDue = false;
    if (!signal.aborted) await recount(signal);
  }

  async function syncUntil(signal: AbortSignal): Promise<void> {
    grown.clear();
    // What a relay refused before may be allowed by now, perhaps by another token.
    standing.setRefused(new Map());
    link.renew();
    try {
      sync = await startSync({
        store,
        link,
        world,
        source: parts.source(),
        channels: reading.channels,
        signal,
        events: {
          connection: (connection) => signal.aborted || standing.setConnection(connection),
          paused: (channels) => standing.setRefused(channels),
          confirmed: (events, bytes) => outbox.shrink(events, bytes),
          // A channel's outbox found empty is a moment to count: all of them are, if what is counted is right.
          idle: () => outbox.events === 0 || void recountSoon(),
          merged: parts.grew,
          ephemeral: parts.ephemeral,
          synced: parts.synced,
          dropped: parts.dropped,
          lost: parts.lost,
          report,
        },
      });
      for (const channel of grown) sync.wake(channel);
      await aborted(signal);
      await sync.ended;
    } finally {
      sync = undefined;
    }
  }

  /** What was counted from messages may drift, and what they were to tell of may wait: the disk is asked. */
  async function recount(signal: AbortSignal): Promise<void> {
    try {
      await outbox.recount(async () => {
        const state = await store.state();
        for (const [channel, { pendingEvents }] of Object.entries(state.channels)) {
          if (pendingEvents > 0 && !signal.aborted) send(channel);
        }
        return state;
      });
      // Also where it was right: a tab that was told of something late may have counted it beside what the news had counted.
      standing.changed();
    } catch (error) {
      if (signal.aborted) return;
      report(toFailure(error));
      if (!isFinal(error)) void recountSoon();
    }
  }
}
