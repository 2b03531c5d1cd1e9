// What several channels come to together: the sums that the statistics and the metrics tell.
import type { ChannelStat } from '@godwit/core/feed';

/** What is counted, and may be added up. */
const counted = [
  'published',
  'duplicates',
  'refused',
  'delivered',
  'filtered',
  'subscribers',
  'queueDepth',
  'bytes',
] as const;

/** What is told of a channel, or of several. */
export type Totals = Pick<ChannelStat, (typeof counted)[number] | 'dropped'>;

/** A channel's numbers, and of one that tells of itself, when it did. */
export type NamedStat = readonly [name: string, stat: ChannelStat & { readonly asOf?: string }];

/** A relay in numbers: the sum over its channels, and each. */
export interface RelayStats extends Totals {
  /** The earliest `since` of the channels, or of the asking where there is none. */
  readonly since: string;
  /** Where the numbers are what channels have told of themselves: when the one did that did so longest ago. */
  readonly asOf?: string;
  readonly channels: Readonly<Record<string, ChannelStat & { readonly asOf?: string }>>;
}

/** Adds them up. */
export function sumOf(stats: readonly Totals[]): Totals {
  const sums = Object.fromEntries(
    counted.map((field) => [field, stats.reduce((total, stat) => total + stat[field], 0)]),
  ) as Record<(typeof counted)[number], number>;
  const dropped: Record<string, number> = {};
  for (const stat of stats) {
    for (const [reason, events] of Object.entries(stat.dropped)) dropped[reason] = (dropped[reason] ?? 0) + events;
  }
  return { ...sums, dropped };
}
