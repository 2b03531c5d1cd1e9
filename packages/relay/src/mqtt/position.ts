// How far a channel has got to the broker: in memory at once, in the relay's file soon after.
import type { Tell, World } from '@godwit/core';
import type { BridgeNotes } from '../node/bridges.ts';

/** A position that is moved often, and stored now and then: what is sent again after a crash is what was moved since. */
export interface Position {
  /** An offset; undefined where there never was one. */
  readonly offset: string | undefined;
  move(offset: string): void;
  /** Stores it now. */
  save(): void;
}

/** Each time is a commit: so many a second cost the appends nothing. */
const saveEveryMs = 200;

/** Reads what is stored. */
export function openPosition(parts: {
  readonly notes: BridgeNotes;
  readonly key: string;
  readonly world: Pick<World, 'after'>;
  readonly tell: Tell;
}): Position {
  const { notes, key, world, tell } = parts;
  let offset = notes.get(key);
  let stored = offset;
  let stopTimer: (() => void) | undefined;

  const save = (): void => {
    stopTimer?.();
    stopTimer = undefined;
    if (offset === undefined || offset === stored) return;
    try {
      notes.put(key, offset);
      stored = offset;
    } catch (error) {
      // The next move tries again; until then more would be sent twice, and nothing is lost.
      tell(error, {}, 'warn');
    }
  };
  return {
    get offset() {
      return offset;
    },
    move(to) {
      offset = to;
      stopTimer ??= world.after(saveEveryMs, save);
    },
    save,
  };
}
