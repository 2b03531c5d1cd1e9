// A channel in numbers: what its log holds, what this process has handed over of it, and who reads it now.
import type { LogStat } from '../ports/log.ts';
import { formatOffset } from '../protocol/offset.ts';
import type { ChannelStat } from './channel.ts';
import type { DeliveryCounts } from './counts.ts';

/** Puts them together. */
export function channelStat(
  held: LogStat,
  { delivered, filtered, dropped, since }: DeliveryCounts,
  live: Pick<ChannelStat, 'subscribers' | 'queueDepth'>,
): ChannelStat {
  const { epoch, head, tail, bytes, published, duplicates, refused } = held;
  return {
    published,
    duplicates,
    refused,
    delivered,
    filtered,
    dropped: { ...dropped },
    subscribers: live.subscribers,
    queueDepth: live.queueDepth,
    head: formatOffset(epoch, head),
    tail: formatOffset(epoch, tail > head ? head : tail),
    bytes,
    since: new Date(since).toISOString(),
  };
}
