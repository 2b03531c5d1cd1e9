// A logger for tests: its lines are looked at, and nothing is written anywhere.
import type { LogFields, Logger } from '../ports/logger.ts';

/** A line as it was handed in. */
export interface LogLine {
  readonly level: keyof Logger;
  readonly message: string;
  readonly fields: LogFields | undefined;
}

/** A logger that keeps its lines. */
export interface TestLogger extends Logger {
  readonly lines: readonly LogLine[];
}

/** Makes one. */
export function createTestLogger(): TestLogger {
  const lines: LogLine[] = [];
  const at = (level: keyof Logger) => (message: string, fields?: LogFields) =>
    void lines.push({ level, message, fields });
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
