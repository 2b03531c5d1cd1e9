// The tabs of one device: who leads, and what they tell each other.
import type { CloudEvent } from '../event/cloudevent.ts';
import type { FailureJson } from '../failure.ts';
import type { Position } from './store.ts';
import type { Stop } from './world.ts';

/** How the device stands with the relay. */
export type Connection =
  /** No relay was given. */
  | 'none'
  | 'connecting'
  | 'online'
  /** The relay cannot be reached; the next try is scheduled. */
  | 'offline'
  | 'needs-auth'
  | 'paused'
  | 'closed';

/** Why the relay refuses a channel for now. */
export type Refusal = Pick<FailureJson, 'name' | 'message'>;
/** Channels that the relay refuses for now, and why. */
export type Refusals = ReadonlyMap<string, Refusal>;

/** What a leader tells the others of how it stands. */
export interface LeaderNews {
  readonly connection: Connection;
  readonly pending: number;
  readonly pendingBytes: number;
  /** Up to here the disk has counted what is pending; a tab of an older release does not say. */
  readonly counted?: Position;
  /** The application has paused the device; what was said before may have been lost. */
  readonly paused: boolean;
  /** Channels that the relay refuses for now. */
  readonly refused: Refusals;
}

/** What one commit added to a channel's outbox. */
export interface OutboxGrowth {
  readonly channel: string;
  readonly events: number;
  readonly bytes: number;
}

/** What tabs tell each other. A tab passes over kinds that it does not know. */
export type TabMessage =
  /** The log grew; `outbox` says by how much for the relay, and `upTo` where the newest of that stands. */
  | { readonly kind: 'grew'; readonly outbox: readonly OutboxGrowth[]; readonly upTo: Position }
  /** The channels that a tab reads; the leader reads them too. None: the tab closes. */
  | {
      readonly kind: 'channels';
      readonly tab: string;
      readonly channels: readonly (readonly [name: string, from: string])[];
    }
  /** A leader has begun: every tab says its channels again. */
  | { readonly kind: 'leader'; readonly term: number }
  /** A tab that somebody looks at wants to know whether the leader lives; `term` is the newest that it has heard of. */
  | { readonly kind: 'ask'; readonly term: number }
  /** The leader lives: the answer to `ask`. */
  | { readonly kind: 'here'; readonly term: number }
  /** The application stopped, or took up, talking to the relay: for the whole device. */
  | { readonly kind: 'pause'; readonly paused: boolean }
  /** There may be a way to the relay again, or somebody looks: the leader does not wait out a backoff. */
  | { readonly kind: 'hurry' }
  | { readonly kind: 'leader-news'; readonly term: number; readonly news: LeaderNews }
  /** Rows of a durable handler changed, or its lease was let go. */
  | { readonly kind: 'tasks'; readonly handler: string }
  /** The application stopped, or took up, its durable handlers: for the whole device. */
  | { readonly kind: 'pause-tasks'; readonly paused: boolean }
  /** Events that are never stored. `outbound`: the leader is to push them. `builtin`: they are the runtime's own word. */
  | {
      readonly kind: 'ephemeral';
      readonly channel: string;
      readonly outbound: boolean;
      readonly events: readonly CloudEvent[];
      readonly builtin?: true | undefined;
    };

/**
 * **Law.** Tabs share an election exactly when they share a log. At most one tab has the lead at a time where the
 * platform has locks; a tab that ends, however it ends, lets go. The request is queued once and held: leadership ends
 * when the callback's promise settles, when the signal aborts, with the tab, or when another tab steals it. Whoever
 * steals leads at once, before those that wait; whoever was robbed may be frozen, and hears of it only when it runs
 * again: until then its callback goes on, so what it does must be harmless. A message is heard by every other
 * tab that listens, in the sender's order, never by its sender, and nobody waits for it; it may be lost, so it carries
 * news of what is stored, never the only copy of anything durable. A tab that has said that it lives is gone when it
 * closes, and when it ends in whatever way; one that is frozen is not, and where the platform has no locks nobody is
 * ever known to be gone.
 */
export interface Tabs {
  /** Whether the platform has locks. Without them each tab talks to the relay for itself. */
  readonly exclusive: boolean;
  /**
   * Waits for the lead, or steals it, then runs `callback` while it is held. Resolves when leadership and the callback have
   * ended, or when the wait was aborted; rejects when the callback does.
   *
   * @param callback its `held` aborts when the lead is lost: stolen, or let go by the signal or by `close`
   */
  lead(callback: (held: AbortSignal) => Promise<void>, signal: AbortSignal, how?: 'wait' | 'steal'): Promise<void>;
  announce(message: TabMessage): void;
  hear(listener: (message: TabMessage) => void): Stop;
  /** Says that this tab lives, until it closes or ends. Resolves when the others can tell. */
  live(tab: string): Promise<void>;
  /** Resolves with true when that tab is gone, also when it never lived; with false when the signal aborts first. */
  gone(tab: string, signal: AbortSignal): Promise<boolean>;
  close(): void;
}
