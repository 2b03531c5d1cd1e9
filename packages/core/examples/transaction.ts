// Row 103. Events that are told only once the transaction that they speak of is through: a queue flushed by hand.
import { createDispatcher, createHandQueue, withWaiting } from '@godwit/core/dispatcher';

/** Runs `work` and then tells what it raised; when it throws, nothing is told. Answers what was heard. */
export async function inTransaction(
  work: (raise: (note: string) => void) => Promise<void>,
): Promise<readonly string[]> {
  const heard: string[] = [];
  const dispatcher = withWaiting(createDispatcher<{ 'account.noted': string }>());
  dispatcher.on('account.noted', (note) => heard.push(note));
  const raised = createHandQueue((note: string) => dispatcher.dispatchAndWait('account.noted', note));
  try {
    await work((note) => raised.add(note));
    await raised.flush();
  } catch {
    raised.clear();
  }
  return heard;
}
