// Row 107. A dispatch on behalf of a user, who waits for it only so long.
import { createDispatcher, isFailure, withWaiting } from '@godwit/core/dispatcher';

/** Who asks. */
export interface Request {
  readonly user: string;
}

/** Dispatches with a time bound and the user as context. Answers what the handler saw, or what had not ended. */
export async function boundedRequest(user: string, handlerMs: number, timeoutMs: number): Promise<string> {
  const dispatcher = withWaiting(createDispatcher<{ 'report.asked': null }, Request>());
  let seen = '';
  dispatcher.on('report.asked', async function report(_, { context, signal }) {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, handlerMs);
      signal.addEventListener('abort', () => resolve(clearTimeout(timer)));
    });
    seen = `a report for ${context.user}`;
  });
  try {
    await dispatcher.dispatchAndWait('report.asked', null, { timeoutMs, context: { user } });
    return seen;
  } catch (error) {
    return isFailure(error, 'TimedOut') ? error.message : 'failed';
  }
}
