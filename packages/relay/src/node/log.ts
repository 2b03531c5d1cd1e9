// The relay's log on Node: a line of JSON on stderr for each thing said.
import { Failure, failureToJson, type LogFields, type Logger } from '@godwit/core';

/** Writes lines of JSON to stderr: when, how grave, the message, and what is known beside it. */
export const stderrLogger: Logger = {
  debug: (message, fields) => write('debug', message, fields),
  info: (message, fields) => write('info', message, fields),
  warn: (message, fields) => write('warn', message, fields),
  error: (message, fields) => write('error', message, fields),
};

function write(level: keyof Logger, message: string, { failure, ...fields }: LogFields = {}): void {
  const told = failure instanceof Failure ? toldOf(failure) : failure === undefined ? {} : { failure };
  process.stderr.write(`${JSON.stringify({ at: new Date().toISOString(), level, ...told, message, ...fields })}\n`);
}

/** JSON knows no errors: a failure's name, details and cause stand beside the message. Its stack only where nobody had planned for it. */
function toldOf(failure: Failure): LogFields {
  const { stack, ...json } = failureToJson(failure);
  return failure.name === 'Internal' && stack !== undefined ? { ...json, stack } : json;
}
