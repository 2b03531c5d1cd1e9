// The order that a reader asks for, checked where types cannot: any other word would be taken for the relay's.
import { Failure } from '../failure.ts';
import type { OnOptions } from './runtime.ts';

/** @throws Failure `InvalidOptions` */
export function assertOrder(order: NonNullable<OnOptions['order']>): void {
  if (order === 'local' || order === 'relay') return;
  throw new Failure('InvalidOptions', `\`order\` is "local" or "relay"; got ${JSON.stringify(order)}`);
}
