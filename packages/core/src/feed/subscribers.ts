// A channel's subscribers: who is told of news and when, one tick for all of their heartbeats, and an end for those that have one.
import type { Stop, World } from '../ports/world.ts';
import type { EphemeralFrame, Subscription } from './subscriber.ts';
import { ticksPerHeartbeat } from './subscription.ts';

/** The subscribers of one channel. */
export interface Subscribers {
  /** Adds what `make` makes; it hands itself to `ended` at its end. At `until`, in wall-clock milliseconds, it is drained. */
  add(until: number | undefined, make: (ended: (subscription: Subscription) => void) => Subscription): Subscription;
  /** The log has grown: each is served, some of them now and the others in turns. */
  announce(): void;
  relay(frame: EphemeralFrame): void;
  restart(previousHead: number): void;
  drain(retryAfterMs: () => number): void;
  end(): void;
  readonly size: number;
  /** What they have not had yet, summed. */
  readonly pending: number;
}

/**
 * How many are served in a row before everybody else has a turn: under a millisecond of writing to sockets. Who publishes
 * meanwhile is answered between two turns, and whoever has not been served yet gets the newer events in the same write.
 */
const servedPerTurn = 128;
/** Timers of a platform end at about 24 days: a far end is looked at once in a while. */
const untilCheckMs = 60 * 60 * 1000;
/** Ends that lie close together are looked for at once: a look goes over all subscribers. */
const untilEveryMs = 50;
/** Tokens that were made together end together: their readers come back within this, each at a time of its own. */
const comeBackWithinMs = 1000;

/** Makes an empty set of subscribers. It sets no timer while it is empty. */
export function createSubscribers(world: World, heartbeatMs: number): Subscribers {
  // An array and where each stands in it: it is gone through for every event, and left in any order.
  const all: Subscription[] = [];
  const places = new Map<Subscription, number>();
  /** When those end that have an end. */
  const untils = new Map<Subscription, number>();
  /** Who is served next, and how many of them are owed it. */
  let next = 0;
  let owed = 0;
  let stopTurn: Stop | undefined;
  let stopTicks: Stop | undefined;
  let stopUntils: Stop | undefined;
  let untilNext = Infinity;

  return {
    add(until, make) {
      const subscription = make(leave);
      places.set(subscription, all.length);
      all.push(subscription);
      if (until !== undefined) endAt(subscription, until);
      if (stopTicks === undefined) tick();
      return subscription;
    },
    announce() {
      owed = all.length;
      if (stopTurn === undefined) serve();
    },
    relay(frame) {
      // From the end: one that leaves over it gives its place to the last, which has had it.
      for (let place = all.length - 1; place >= 0; place -= 1) all[place]?.relay(frame);
    },
    restart(previousHead) {
      for (const subscription of all) subscription.restart(previousHead);
    },
    drain(retryAfterMs) {
      for (const subscription of all.slice()) subscription.drain(retryAfterMs());
    },
    end() {
      for (const subscription of all.slice()) subscription.end();
    },
    get size() {
      return all.length;
    },
    get pending() {
      let sum = 0;
      for (const { pending } of all) sum += pending;
      return sum;
    },
  };

  function serve(): void {
    stopTurn = undefined;
    for (let left = servedPerTurn; left > 0 && owed > 0; left -= 1) {
      if (next >= all.length) next = 0;
      const subscription = all[next];
      next += 1;
      owed -= 1;
      subscription?.announce();
    }
    if (owed > 0) stopTurn = world.after(0, serve);
  }

  function leave(subscription: Subscription): void {
    const place = places.get(subscription);
    if (place === undefined) return;
    const last = all.pop();
    if (last !== undefined && last !== subscription) {
      all[place] = last;
      places.set(last, place);
    }
    places.delete(subscription);
    untils.delete(subscription);
    // Who took its place may be passed over in this round: everybody is looked at once more.
    if (owed > 0) owed = all.length;
    if (all.length > 0) return;
    for (const stop of [stopTurn, stopTicks, stopUntils]) stop?.();
    [stopTurn, stopTicks, stopUntils, untilNext] = [undefined, undefined, undefined, Infinity];
  }

  function tick(): void {
    stopTicks = world.after(heartbeatMs / ticksPerHeartbeat, () => {
      tick();
      // The clock may have jumped to an end that a timer still waits for.
      if (untilNext <= world.now()) endDue();
      beat(all.slice(), 0);
    });
  }

  /** In turns, too: ten thousand that are silent together are written to together. */
  function beat(round: readonly Subscription[], from: number): void {
    const to = from + servedPerTurn;
    for (const subscription of round.slice(from, to)) subscription.beat();
    if (to < round.length) world.after(0, () => beat(round, to));
  }

  function endAt(subscription: Subscription, until: number): void {
    untils.set(subscription, until);
    if (until < untilNext) waitFor(until, 0);
  }

  function waitFor(until: number, atLeastMs: number): void {
    untilNext = until;
    stopUntils?.();
    const leftMs = Math.max(atLeastMs, until - world.now());
    stopUntils = world.after(Math.min(leftMs, untilCheckMs), endDue);
  }

  function endDue(): void {
    const now = world.now();
    untilNext = Infinity;
    stopUntils?.();
    let earliest = Infinity;
    for (const [subscription, until] of untils) {
      if (until <= now) subscription.drain(Math.ceil(world.random() * comeBackWithinMs));
      else earliest = Math.min(earliest, until);
    }
    if (earliest < untilNext) waitFor(earliest, untilEveryMs);
  }
}
