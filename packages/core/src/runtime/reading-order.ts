// What a reader asks for, checked where types cannot: in which order, where any other word would be taken for the relay's, and of
// which channel.
import { Failure } from '../failure.ts';
import type { OnOptions } from './runtime.ts';

/** @throws Failure `InvalidOptions`, also for a channel that is none of these */
export function assertReadable(
  order: NonNullable<OnOptions['order']>,
  channel: string | undefined,
  channels: ReadonlySet<string>,
): void {
  if (channel !== undefined && !channels.has(channel)) {
    const known = [...channels].join(', ');
    throw new Failure('InvalidOptions', `this runtime does not read the channel "${channel}"; it reads ${known}`);
  }
  if (order === 'local' || order === 'relay') return;
  throw new Failure('InvalidOptions', `\`order\` is "local" or "relay"; got ${JSON.stringify(order)}`);
}
