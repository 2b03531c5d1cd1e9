// Where lines and failures go that nobody awaits: a logger and an error reporter, whoever they are.
import { toFailure, type Failure } from '../failure.ts';

/** What is said beside a line's message. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * **Law.** Structured: the message is a sentence, what varies stands in the fields. Nobody waits for it, and a logger that
 * throws harms nobody, since callers go through {@link guarded}. A failure is a warning while it is tried again, and an
 * error once it is final.
 *
 * @example `console` is one. So is pino, whose fields come first:
 * ```ts
 * const logger = {
 *   debug: (message, fields) => pino.debug(fields, message),
 *   info: (message, fields) => pino.info(fields, message),
 *   warn: (message, fields) => pino.warn(fields, message),
 *   error: (message, fields) => pino.error(fields, message),
 * };
 * ```
 */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** Hears every panic and every final failure: what goes to a service that collects errors. The fields say where it was. */
export type Reporter = (failure: Failure, fields: LogFields) => unknown;

/** Who hears of failures. */
export interface Hearers {
  readonly logger?: Logger | undefined;
  readonly report?: Reporter | undefined;
}

/** Tells of a failure. Never throws. `warn`: it is tried again. `error`, unless said: it is final, and reported too. */
export type Tell = (error: unknown, fields?: LogFields, level?: 'warn' | 'error') => void;

/** One way to tell all hearers of a failure, in which one of them that throws, or rejects, harms nobody. */
export function guarded({ logger, report }: Hearers): Tell {
  return (error, fields = {}, level = 'error') => {
    const failure = toFailure(error);
    void quietly(() => logger?.[level](failure.message, { ...fields, failure }));
    if (level === 'error') void quietly(() => report?.(failure, fields));
  };
}

async function quietly(tell: () => unknown): Promise<void> {
  try {
    await tell();
  } catch {
    // There is nobody else to tell.
  }
}
