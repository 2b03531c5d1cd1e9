// Time, chance and identity: handed in, so that a seeded world can replay them.

/** Ends what was started. Calling it twice is calling it once. */
export type Stop = () => void;

/**
 * **Law.** `now` is the wall clock: it may jump, so nothing judges liveness by it. `after` measures elapsed time: its
 * callback runs once, never before `ms` have passed, never within the call to `after`, and never after its stop was
 * called. `id` never answers the same twice.
 */
export interface World {
  /** Wall-clock time in milliseconds since 1970. */
  now(): number;
  /** A number in [0, 1). Good enough for jitter, not for secrets. */
  random(): number;
  /** Runs `callback` once `ms` milliseconds have passed. */
  after(ms: number, callback: () => void): Stop;
  /** A new UUIDv7. */
  id(): string;
}
