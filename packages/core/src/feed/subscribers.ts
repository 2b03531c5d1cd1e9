// A channel's subscribers: who is told of news, one tick for all of their heartbeats, and an end for those that have one.
import type { Stop, World } from '../ports/world.ts';
import { ticksPerHeartbeat, type EphemeralFrame, type Subscription } from './subscription.ts';

/** The subscribers of one channel. */
export interface Subscribers {
  /** Adds what `make` makes; it hands its end to `ended`. At `until`, in wall-clock milliseconds, it is drained. */
  add(until: number | undefined, make: (ended: () => void) => Subscription): Subscription;
  announce(): void;
  relay(frame: EphemeralFrame): void;
  restart(previousHead: number): void;
  drain(retryAfterMs: () => number): void;
  end(): void;
  readonly size: number;
  /** What they have not had yet, summed. */
  readonly pending: number;
}

/** Timers of a platform end at about 24 days; the clock may also jump. So a far end is looked at once in a while. */
const untilCheckMs = 60 * 60 * 1000;
/** Tokens that were made together end together: their readers come back within this, each at a time of its own. */
const comeBackWithinMs = 1000;

/** Makes an empty set of subscribers. It sets no timer while it is empty. */
export function createSubscribers(world: World, heartbeatMs: number): Subscribers {
  const all = new Set<Subscription>();
  let stopTicks: Stop | undefined;

  return {
    add(until, make) {
      const subscription = make(() => {
        all.delete(subscription);
        stopUntil();
        if (all.size === 0) {
          stopTicks?.();
          stopTicks = undefined;
        }
      });
      all.add(subscription);
      const stopUntil = until === undefined ? () => undefined : endAt(until, subscription);
      if (stopTicks === undefined) tick();
      return subscription;
    },
    announce() {
      for (const subscription of all) subscription.announce();
    },
    relay(frame) {
      for (const subscription of all) subscription.relay(frame);
    },
    restart(previousHead) {
      for (const subscription of all) subscription.restart(previousHead);
    },
    drain(retryAfterMs) {
      for (const subscription of all) subscription.drain(retryAfterMs());
    },
    end() {
      for (const subscription of all) subscription.end();
    },
    get size() {
      return all.size;
    },
    get pending() {
      let sum = 0;
      for (const { pending } of all) sum += pending;
      return sum;
    },
  };

  function tick(): void {
    stopTicks = world.after(heartbeatMs / ticksPerHeartbeat, () => {
      for (const subscription of all) subscription.beat();
      if (stopTicks !== undefined) tick();
    });
  }

  function endAt(until: number, subscription: Subscription): Stop {
    const wait = (): Stop => {
      const left = until - world.now();
      return world.after(Math.min(Math.max(0, left), untilCheckMs), () => {
        if (left <= untilCheckMs) subscription.drain(Math.ceil(world.random() * comeBackWithinMs));
        else stop = wait();
      });
    };
    let stop = wait();
    return () => stop();
  }
}
