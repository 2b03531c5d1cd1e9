// The relay's numbers in Prometheus' text format, of so many channels by name and of the others together. Channel names need
// no escaping: the alphabet has no quote.
import { sumOf, type NamedStat, type Totals } from './totals.ts';

/** A family of metrics, one sample per channel. */
interface Family {
  readonly name: string;
  readonly kind: 'counter' | 'gauge';
  readonly help: string;
  readonly of: (stat: Totals) => number;
}

const families: readonly Family[] = [
  { name: 'published_total', kind: 'counter', help: 'Events appended.', of: (stat) => stat.published },
  { name: 'duplicates_total', kind: 'counter', help: 'Events that were held already.', of: (stat) => stat.duplicates },
  { name: 'refused_total', kind: 'counter', help: 'Events of a batch that were refused.', of: (stat) => stat.refused },
  { name: 'delivered_total', kind: 'counter', help: 'Events handed to subscribers.', of: (stat) => stat.delivered },
  { name: 'filtered_total', kind: 'counter', help: 'Events that filters passed by.', of: (stat) => stat.filtered },
  { name: 'subscribers', kind: 'gauge', help: 'Subscribers now.', of: (stat) => stat.subscribers },
  { name: 'queue_depth', kind: 'gauge', help: 'Events held for subscribers.', of: (stat) => stat.queueDepth },
  { name: 'held_bytes', kind: 'gauge', help: 'JSON held in the log.', of: (stat) => stat.bytes },
];

/**
 * Channels that have samples of their own, by name: about ten each, which Prometheus takes without trouble. Whoever may
 * publish can make channels without end, and each series costs whoever scrapes them.
 */
export const channelsByNameMax = 1000;
/** What the others are called: no channel's name has parentheses. */
const others = '(others)';

/** Writes the metrics. */
export function metricsText(channels: readonly NamedStat[], version: string): string {
  const all = grouped(channels);
  const lines = ['# HELP godwit_info The release that runs.', '# TYPE godwit_info gauge'];
  lines.push(`godwit_info{version="${version}"} 1`);
  for (const { name, kind, help, of } of families) {
    lines.push(`# HELP godwit_${name} ${help}`, `# TYPE godwit_${name} ${kind}`);
    for (const [channel, stat] of all) lines.push(`godwit_${name}{channel="${channel}"} ${of(stat)}`);
  }
  lines.push(
    '# HELP godwit_dropped_total Events that a subscriber did not get.',
    '# TYPE godwit_dropped_total counter',
  );
  for (const [channel, { dropped }] of all) {
    for (const [reason, events] of Object.entries(dropped)) {
      lines.push(`godwit_dropped_total{channel="${channel}",reason="${reason}"} ${events}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** The first by name, and the sum of the others. */
function grouped(channels: readonly (readonly [string, Totals])[]): readonly (readonly [string, Totals])[] {
  if (channels.length <= channelsByNameMax) return channels;
  const rest = channels.slice(channelsByNameMax).map(([, stat]) => stat);
  return [...channels.slice(0, channelsByNameMax), [others, sumOf(rest)]];
}
