// A durable handler as it is defined: checked, and split into what the engine is told and what stays with its functions.
import type { BackoffRule } from '../../durable/policy.ts';
import type { HandlerSpec } from '../../durable/task.ts';
import { compilePattern } from '../../event/pattern.ts';
import { Failure } from '../../failure.ts';
import type { BackoffOptions } from '../../timing/backoff.ts';
import type { Delivered } from '../runtime.ts';
import type { HandleOptions, TaskContext } from './types.ts';

/** What is called with an event: the runtime's types have checked which. */
export type AnyTaskHandler = (event: never, task: TaskContext<never>) => unknown;

/** A handler with its functions. */
export interface HandlerDefinition {
  readonly spec: HandlerSpec;
  readonly call: (event: Delivered, task: TaskContext<never>) => unknown;
  readonly wants: (type: string) => boolean;
  readonly priority: number;
  readonly timeoutMs: number | undefined;
  readonly backoff: BackoffRule | BackoffOptions | undefined;
  readonly key: ((event: Delivered) => unknown) | undefined;
}

/**
 * Checks what `runtime.handle` was given.
 *
 * @throws Failure `InvalidOptions`, `InvalidPattern`
 */
export function defineHandler(
  pattern: string,
  name: string,
  handler: AnyTaskHandler,
  options: HandleOptions<never>,
  channels: ReadonlySet<string>,
): HandlerDefinition {
  const { maxErrors = 5, priority = 50, backoff, timeoutMs, concurrency = 1, key } = options;
  const { from = 'now', order = 'local', channel = null } = options;
  const need = (isGood: boolean, what: string, got: unknown): void => {
    if (isGood) return;
    throw new Failure('InvalidOptions', `the durable handler ${show(name)} needs ${what}; got ${show(got)}`);
  };
  need(typeof name === 'string' && name !== '' && name.length <= nameMax, `a name of 1 to ${nameMax} characters`, name);
  need(typeof handler === 'function', 'a function', handler);
  need(Number.isInteger(maxErrors) && maxErrors >= 1, 'maxErrors of at least 1', maxErrors);
  need(Number.isFinite(priority), 'a priority that is a number', priority);
  need(timeoutMs === undefined || timeoutMs > 0, 'timeoutMs above 0', timeoutMs);
  need(Number.isInteger(concurrency) && concurrency >= 1, 'a concurrency of at least 1', concurrency);
  need(key === undefined || typeof key === 'function', 'a key that is a function', key);
  need(from === 'now' || from === 'earliest', "from: 'now' or 'earliest'", from);
  need(order === 'local' || order === 'relay', "order: 'local' or 'relay'", order);
  need(
    channel === null || channels.has(channel),
    `a channel that the runtime reads (${[...channels].join(', ')})`,
    channel,
  );
  need(isBackoff(backoff), 'a backoff that is a function, or { baseMs, capMs }', backoff);
  return {
    spec: { name, pattern, channel, order, from, concurrency, maxErrors, keyed: key !== undefined },
    // The runtime's types have checked that the handler takes what the pattern delivers.
    call: handler as HandlerDefinition['call'],
    wants: compilePattern(pattern),
    priority,
    timeoutMs,
    backoff,
    key: key as HandlerDefinition['key'],
  };
}

/** A name is part of each row's key. */
const nameMax = 200;

function isBackoff(backoff: HandleOptions['backoff']): boolean {
  if (backoff === undefined || typeof backoff === 'function') return true;
  return typeof backoff === 'object' && backoff !== null && backoff.baseMs > 0 && backoff.capMs > 0;
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
