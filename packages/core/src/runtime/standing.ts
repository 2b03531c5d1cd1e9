// How this tab stands with the relay: its own standing while it leads, the leader's while it follows.
import type { Connection, LeaderNews, Refusals, Tabs } from '../ports/tabs.ts';
import type { World } from '../ports/world.ts';
import type { EngineStatus } from './engine.ts';
import type { Outbox } from './outbox.ts';
import type { Role } from './runtime.ts';

/** How long news of the leader's standing is gathered before the other tabs hear it, in milliseconds. */
const leaderNewsMs = 50;

/** A tab's standing, and what changes it. */
export interface Standing {
  readonly role: Role;
  readonly paused: boolean;
  status(): EngineStatus;
  setRole(role: Role): void;
  setConnection(connection: Connection): void;
  /** The channels that the relay refuses for now. */
  setRefused(channels: Refusals): void;
  /** Answers whether this changed anything. */
  setPaused(paused: boolean): boolean;
  /** Something that the standing shows has changed, or somebody new wants to know. */
  changed(): void;
  /** The leader says how it stands. */
  hear(news: LeaderNews): void;
  stop(): void;
}

/** Keeps a tab's standing. `tell` hears of every change; the other tabs hear of a leader's, gathered. */
export function createStanding(parts: {
  readonly tabs: Tabs;
  readonly world: World;
  readonly outbox: () => Outbox;
  readonly hasRelay: boolean;
  /** This tab's own, while it leads. */
  readonly term: () => number;
  /** The rest of what the status shows. */
  readonly others: () => Pick<EngineStatus, 'handlers' | 'tasksPaused' | 'trimmed'>;
  readonly tell: (status: EngineStatus) => void;
}): Standing {
  const { tabs, world, hasRelay, tell } = parts;
  // Without a relay there is nobody to talk to, and nobody to follow.
  let role: Role = hasRelay && tabs.exclusive ? 'follower' : 'solo';
  let connection: Connection = hasRelay ? 'connecting' : 'none';
  let refused: Refusals = new Map();
  let paused = false;
  let stopped = false;
  let newsDue: (() => void) | undefined;

  return {
    get role() {
      return role;
    },
    get paused() {
      return paused;
    },
    status,
    setRole(next) {
      role = next;
      changed();
    },
    setConnection(next) {
      connection = next;
      changed();
    },
    setRefused(channels) {
      refused = channels;
      changed();
    },
    setPaused(next) {
      if (paused === next) return false;
      paused = next;
      connection = next ? 'paused' : 'connecting';
      changed();
      return true;
    },
    changed,
    hear(news) {
      if (role !== 'follower') return;
      ({ connection, paused, refused } = news);
      // Tells by itself where it changes; the rest of the news may have changed alone.
      parts.outbox().set({ events: news.pending, bytes: news.pendingBytes }, news.counted ?? 0);
      changed();
    },
    stop() {
      stopped = true;
      newsDue?.();
    },
  };

  function status(): EngineStatus {
    return { role, connection, pending: parts.outbox().events, paused: refused, ...parts.others() };
  }

  function changed(): void {
    if (stopped) return;
    tell(status());
    if (role !== 'leader' || newsDue !== undefined) return;
    newsDue = world.after(leaderNewsMs, () => {
      newsDue = undefined;
      if (role !== 'leader') return;
      const { stored, counted } = parts.outbox();
      tabs.announce({
        kind: 'leader-news',
        term: parts.term(),
        news: { connection, pending: stored.events, pendingBytes: stored.bytes, counted, paused, refused },
      });
    });
  }
}
