// Waiting for something, but not for ever.
import { Failure } from '../failure.ts';
import type { World } from '../ports/world.ts';
import { needCount } from './options.ts';

/**
 * Waits for `work`, at most `timeoutMs` milliseconds; it goes on all the same.
 *
 * @param timeUp hears first that it took too long
 * @throws Failure `InvalidOptions`, `TimedOut`, and what `work` throws
 */
export async function bounded(
  { after }: Pick<World, 'after'>,
  timeoutMs: number,
  work: () => Promise<void>,
  timeUp?: (failure: Failure) => void,
): Promise<void> {
  needCount(timeoutMs, 1, 'timeoutMs');
  return new Promise((resolve, reject) => {
    const stop = after(timeoutMs, () => {
      const failure = new Failure('TimedOut', `it had not ended after ${timeoutMs} ms`);
      timeUp?.(failure);
      reject(failure);
    });
    void work().then(resolve, reject).finally(stop);
  });
}
