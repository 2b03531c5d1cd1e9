// Ephemeral events that wait together, in one piece of memory: a crowd that is owed the same ones shares it.
import type { EphemeralFrame } from './subscriber.ts';

/** Joins frames, and remembers the last answer: a thousand readers ask for the same one in a row. */
export interface Joiner {
  joined(frames: readonly EphemeralFrame[]): Uint8Array;
  clear(): void;
}

/** Makes what joins a channel's frames. */
export function createJoiner(): Joiner {
  let last: readonly EphemeralFrame[] = [];
  let piece = new Uint8Array();
  return {
    joined(frames) {
      const [first] = frames;
      if (frames.length === 1 && first !== undefined) return first.bytes;
      if (frames.length === last.length && frames.every((frame, index) => frame === last[index])) return piece;
      last = frames;
      piece = new Uint8Array(frames.reduce((sum, { bytes }) => sum + bytes.length, 0));
      let end = 0;
      for (const { bytes } of frames) {
        piece.set(bytes, end);
        end += bytes.length;
      }
      return piece;
    },
    clear() {
      last = [];
      piece = new Uint8Array();
    },
  };
}
