// Row 101. A log of everything, and a dispatch that says what it does, without a line in any handler.
import { createDispatcher, type Dispatcher, type Waiting, withWaiting } from '@godwit/core/dispatcher';

/** Logs every event of a dispatcher. */
export function logEvents(dispatcher: Dispatcher<Record<string, unknown>>, log: (line: string) => void): () => boolean {
  return dispatcher.on('**', (data, { type }) => log(`${type} ${JSON.stringify(data)}`), { name: 'log' });
}

/** Dispatches, and logs who heard it and how it ended. */
export async function debugDispatch(
  dispatcher: Dispatcher<Record<string, unknown>> & Waiting<Record<string, unknown>>,
  type: string,
  data: unknown,
  log: (line: string) => void,
): Promise<void> {
  const before = dispatcher.counts().handlers;
  log(`→ ${type}, ${dispatcher.hasHandlers(type) ? 'heard' : 'not heard'}`);
  try {
    await dispatcher.dispatchAndWait(type, data);
    const heard = dispatcher
      .counts()
      .handlers.filter(({ delivered }, index) => delivered > (before[index]?.delivered ?? 0));
    log(`← ${type}: ${heard.map(({ name }) => name).join(', ') || 'nobody'}`);
  } catch (error) {
    log(`✗ ${(error as Error).message}`);
  }
}

/** Shows it at work. */
export async function eventLogging(): Promise<readonly string[]> {
  const lines: string[] = [];
  const log = (line: string): void => void lines.push(line);
  const dispatcher = withWaiting(createDispatcher());
  logEvents(dispatcher, log);
  dispatcher.on('order.placed', function charge() {});
  dispatcher.on('order.cancelled', function refund() {
    throw new Error('the bank is closed');
  });
  await debugDispatch(dispatcher, 'order.placed', { total: 12 }, log);
  await debugDispatch(dispatcher, 'order.cancelled', {}, log);
  return lines;
}
