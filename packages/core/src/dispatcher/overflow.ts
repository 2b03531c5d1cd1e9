// What happens to an event that finds its handler's mailbox full: a function, so that only what is used is shipped.
import type { Call, Mailbox } from './call.ts';
import type { Overflow } from './options.ts';

/** Drops it, and tells who awaits the dispatch, else the reporter: `QueueFull`. */
export function rejectWhenFull({ waiting, capacity, refuse }: Mailbox, call: Call): void {
  if (waiting.size > capacity) refuse(call, call.run?.failed);
}

/** Drops it, which who awaits the dispatch is not told. */
export function dropNewest({ waiting, capacity, refuse }: Mailbox, call: Call): void {
  if (waiting.size > capacity) refuse(call);
}

/** Drops the one that has waited longest. */
export function dropOldest({ waiting, capacity, take, refuse }: Mailbox): void {
  const oldest = waiting.size > capacity && take();
  if (oldest) refuse(oldest);
}

/**
 * Lets an event take the place of a waiting one of the same key, which is counted as `superseded`; full, the oldest goes.
 * By default the type is the key. Of one handler.
 */
export function keepLatest(keyOf: (data: never, type: string) => unknown = (_, type) => type): Overflow {
  const latest = new Map<unknown, Call>();
  return (mailbox, call) => {
    const key = keyOf(call.data as never, call.type);
    const older = latest.get(key);
    if (older && mailbox.waiting.has(older)) mailbox.drop(older, 'superseded');
    latest.set(key, call);
    dropOldest(mailbox);
    // Keys come and go: those that no longer wait are forgotten when there are twice as many as can.
    if (latest.size > 2 * mailbox.waiting.size + 1) {
      for (const [key, call] of latest) if (!mailbox.waiting.has(call)) latest.delete(key);
    }
  };
}
