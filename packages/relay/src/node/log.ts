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
  // JSON knows no errors: a failure's name, details and stack stand beside the message.
  const told = failure instanceof Failure ? failureToJson(failure) : failure === undefined ? {} : { failure };
  process.stderr.write(`${JSON.stringify({ at: new Date().toISOString(), level, ...told, message, ...fields })}\n`);
}
