// Row 101. A log of everything, and a dispatch that says what it does, without a line in any handler.
import { createDispatcher, type Dispatcher, type Waiting, withWaiting } from '@godwit/core/dispatcher';

/** Who has heard an event: what a debugged dispatch hands in as context. */
export interface Trace {
  readonly heard: string[];
}

type Bus = Dispatcher<Record<string, unknown>, Trace>;

/** Logs every event of a dispatcher. */
export function logEvents(dispatcher: Bus, log: (line: string) => void): () => boolean {
  return dispatcher.on('**', (data, { type }) => log(`${type} ${JSON.stringify(data)}`), { name: 'log' });
}

/** Lets the handlers that are added from now on be traced; it is the same dispatcher. */
export function traced<Its extends Bus>(dispatcher: Its): Its {
  const { on } = dispatcher;
  const tracing: Bus['on'] = (pattern, handler, options) =>
    on(
      pattern,
      async (data, call) => {
        await handler(data, call);
        call.context?.heard.push(options?.name ?? handler.name);
      },
      { name: handler.name, ...options },
    );
  return Object.assign(dispatcher, { on: tracing });
}

/** Dispatches, and logs who heard it and how it ended. */
export async function debugDispatch(
  dispatcher: Bus & Waiting<Record<string, unknown>, Trace>,
  type: string,
  data: unknown,
  log: (line: string) => void,
): Promise<void> {
  const heard: string[] = [];
  log(`→ ${type}, ${dispatcher.hasHandlers(type) ? 'heard' : 'not heard'}`);
  try {
    await dispatcher.dispatchAndWait(type, data, { context: { heard } });
    log(`← ${type}: ${heard.join(', ') || 'nobody'}`);
  } catch (error) {
    log(`✗ ${(error as Error).message}`);
  }
}

/** Shows it at work. */
export async function eventLogging(): Promise<readonly string[]> {
  const lines: string[] = [];
  const log = (line: string): void => void lines.push(line);
  const dispatcher = traced(withWaiting(createDispatcher<Record<string, unknown>, Trace>()));
  dispatcher.on('order.*', function welcome() {}, { once: true });
  logEvents(dispatcher, log);
  dispatcher.on('order.placed', function charge() {});
  dispatcher.on('order.cancelled', function refund() {
    throw new Error('the bank is closed');
  });
  await debugDispatch(dispatcher, 'order.placed', { total: 12 }, log);
  await debugDispatch(dispatcher, 'order.placed', { total: 13 }, log);
  await debugDispatch(dispatcher, 'order.cancelled', {}, log);
  await debugDispatch(dispatcher, 'user.left', null, log);
  return lines;
}
