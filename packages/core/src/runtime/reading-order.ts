// What a reader asks for, checked where types cannot: in which order, where any other word would be taken for the relay's, and of
// which channel.
import { Failure } from '../failure.ts';
import { need } from './given.ts';
import type { OnOptions } from './runtime.ts';

/** @throws Failure `InvalidOptions`, also for a channel that is none of these */
export function assertReadable({ order, channel, onGap }: OnOptions, channels: ReadonlySet<string>): void {
  need(onGap === undefined || typeof onGap === 'function', '`onGap` is a function', onGap);
  if (channel !== undefined && !channels.has(channel)) {
    const known = [...channels].join(', ');
    throw new Failure('InvalidOptions', `this runtime does not read the channel "${channel}"; it reads ${known}`);
  }
  need(order === 'local' || order === 'relay', '`order` is "local" or "relay"', JSON.stringify(order));
}
