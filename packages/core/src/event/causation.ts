// What an event sets off says so: the id that all of a story share, and the id of the event that caused it.
import type { Remarks } from './attributes.ts';

/** What is needed of the causing event. */
interface Caused {
  readonly id: string;
  /** A stranger's may be a number. */
  readonly correlationid?: string | number | boolean | undefined;
}

/**
 * Publish options for whatever is published because of `event`. The first event of a story gives it its correlation id.
 *
 * @example
 * ```ts
 * runtime.on('order.placed', (event) => runtime.publish('order.paid', { by: 'card' }, causedBy(event)));
 * ```
 */
export function causedBy({ id, correlationid }: Caused): Required<Pick<Remarks, 'correlationId' | 'causationId'>> {
  // An empty one is none.
  return { correlationId: String(correlationid ?? '') || id, causationId: id };
}
