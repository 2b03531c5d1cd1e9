// Tells an application's listener of something, and reports it where the listener fails: at once, or later.
import { Failure, toFailure } from '../failure.ts';

/** Calls the listener now. What it answers nobody waits for. */
export async function tell(what: string, listener: () => unknown, report: (failure: Failure) => void): Promise<void> {
  try {
    await listener();
  } catch (error) {
    report(new Failure('HandlerFailed', `${what} failed: ${toFailure(error).message}`, { cause: error }));
  }
}
