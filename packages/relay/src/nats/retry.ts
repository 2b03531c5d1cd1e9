// Asking a host again that does not answer: a few times, since who waits for it waits.
import { Failure, isFailure, type World } from '@godwit/core';

const triesMax = 4;
const againMs = 250;

/** Whoever is told that it failed comes back after this. */
export const comeBack = { retryAfterMs: 1000 } as const;

/** Asks until it is answered, or `isOver`, or it was too often. */
export async function insist<Answer>(
  ask: () => Promise<Answer>,
  { world, isOver }: { readonly world: World; readonly isOver: () => boolean },
): Promise<Answer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask();
    } catch (error) {
      // What will not be otherwise is not asked again.
      const isFinal = isFailure(error, 'TooLarge') || isFailure(error, 'Closed');
      if (attempt === triesMax || isFinal || isOver()) throw error;
      await later(world, againMs * attempt);
    }
  }
}

/** Resolves after so many milliseconds. */
export function later(world: World, ms: number): Promise<void> {
  return new Promise((resolve) => void world.after(ms, resolve));
}

/** Whatever was thrown, as the host's fault. */
export function asFailure(error: unknown): Failure {
  return error instanceof Failure ? error : new Failure('StorageFailed', String(error), { cause: error });
}
