// Calls to another thread that cannot hang: each has its time, and all of them end when the other side does.
import { Failure, type World } from '@godwit/core';

/** A time that is up is looked at once more after this, in milliseconds: the answer may lie behind a page that was busy. */
const graceMs = 1000;

/** Calls that wait for their answers. */
export interface Calls {
  /**
   * Waits for an answer.
   *
   * @throws Failure `TimedOut` when it does not come in time; whatever `fail` was given
   */
  answer<Value>(what: string, ms: number, asked: () => Promise<Value>): Promise<Value>;
  /** Rejects every call that waits, and every later one. */
  fail(failure: Failure): void;
}

/** Watches calls. */
export function createCalls(world: Pick<World, 'after'>): Calls {
  const waiting = new Set<(failure: Failure) => void>();
  let failed: Failure | undefined;
  return {
    async answer(what, ms, asked) {
      if (failed !== undefined) throw failed;
      const { promise, reject } = Promise.withResolvers<never>();
      waiting.add(reject);
      let stop = world.after(ms, () => {
        stop = world.after(graceMs, () => reject(late(what, ms)));
      });
      try {
        return await Promise.race([asked(), promise]);
      } finally {
        stop();
        waiting.delete(reject);
      }
    },
    fail(failure) {
      failed ??= failure;
      for (const reject of waiting) reject(failure);
    },
  };
}

function late(what: string, ms: number): Failure {
  return new Failure(
    'TimedOut',
    `the worker did not answer within ${ms / 1000} s when asked to ${what}; it may have done it all the same`,
  );
}
