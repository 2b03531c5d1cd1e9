// How long a push may go unanswered: on a connection that is half open nobody answers, ever.
import { Failure } from '../failure.ts';
import type { World } from '../ports/world.ts';

/** In milliseconds. A slow uplink needs some seconds for a batch; one that needs longer gets smaller ones. */
const answerMs = 60_000;

/**
 * Asks the relay, and waits no longer than that.
 *
 * @throws Failure `TimedOut` when nobody has answered by then, and whatever `ask` rejects with
 */
export async function answeredInTime<Answer>(
  world: Pick<World, 'after'>,
  signal: AbortSignal,
  ask: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const late = new AbortController();
  const stopTimer = world.after(answerMs, () => late.abort());
  try {
    signal.throwIfAborted();
    return await ask(AbortSignal.any([signal, late.signal]));
  } catch (error) {
    if (!late.signal.aborted || signal.aborted) throw error;
    const message = `nobody answered a push for ${answerMs / 1000} s; it is given up, and whether it arrived is not known`;
    throw new Failure('TimedOut', message, { cause: error });
  } finally {
    stopTimer();
  }
}
