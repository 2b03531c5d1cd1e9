// What becomes of each event of a POST: in the order of the batch, which is also the order of the log.
import { Failure, type FailureJson, type FailureName } from '../failure.ts';

/** One event's outcome. Every outcome is final: sending the same event again does not change it. */
export type AppendResult =
  | { readonly id: string; readonly status: 'appended' | 'duplicate'; readonly offset: string }
  | { readonly id: string; readonly status: 'relayed' }
  | { readonly id: string | null; readonly status: 'refused'; readonly failure: Pick<FailureJson, 'name' | 'message'> };

/**
 * Reads a relay's answer to a POST of `expected` events.
 *
 * @throws Failure `Unreachable` when it is not one: then something between here and the relay answered (a captive portal)
 */
export function decodeResults(body: unknown, expected: number): readonly AppendResult[] {
  const results: unknown = isObject(body) ? body['results'] : undefined;
  if (!Array.isArray(results) || results.length !== expected || !results.every(isResult)) {
    throw new Failure(
      'Unreachable',
      `the answer to ${expected} events is not a relay's; is something between here and the relay?`,
    );
  }
  return results;
}

function isResult(value: unknown): value is AppendResult {
  if (!isObject(value)) return false;
  const { id, status, offset, failure } = value;
  if (status === 'refused') return (typeof id === 'string' || id === null) && isFailureJson(failure);
  if (typeof id !== 'string') return false;
  return status === 'relayed' || ((status === 'appended' || status === 'duplicate') && typeof offset === 'string');
}

function isFailureJson(value: unknown): value is { name: FailureName; message: string } {
  return isObject(value) && typeof value['name'] === 'string' && typeof value['message'] === 'string';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
