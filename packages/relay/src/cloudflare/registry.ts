// What channels have told of themselves: the one place that knows of all of them. It is an object of the channels' own class,
// under a name that no channel has, so that a deployment needs no binding and no migration more.
import type { ChannelStat, NotedChannel } from '@godwit/core/feed';

/** The registry's name in the namespace of the channels: no channel's name has parentheses. */
export const registryName = '(registry)';
/** Channels that it knows: their numbers cross to the Worker in one answer of some megabytes. Beyond, those told of longest ago are let go. */
const channelsKnownMax = 10_000;

/** The registry's table. */
export interface Registry {
  /** Takes what a channel tells; null: it was removed. */
  note(channel: string, stat: ChannelStat | null, asOf: number): void;
  /** What is known, by name. */
  noted(): readonly NotedChannel[];
}

/** Opens it. There is no table before the first note. */
export function openRegistry(sql: SqlStorage, channelsMax: number = channelsKnownMax): Registry {
  return {
    note(channel, stat, asOf) {
      sql.exec('CREATE TABLE IF NOT EXISTS noted (channel TEXT PRIMARY KEY, at INTEGER NOT NULL, stat TEXT NOT NULL)');
      if (stat === null) {
        sql.exec('DELETE FROM noted WHERE channel = ?', channel);
        return;
      }
      const json = JSON.stringify(stat);
      const { rowsWritten } = sql.exec('UPDATE noted SET at = ?, stat = ? WHERE channel = ?', asOf, json, channel);
      if (rowsWritten > 0) return;
      sql.exec('INSERT INTO noted (channel, at, stat) VALUES (?, ?, ?)', channel, asOf, json);
      // Only where one is new: counting reads them all, and each read is billed.
      const { n } = sql.exec<{ n: number }>('SELECT count(*) AS n FROM noted').one();
      if (n > channelsMax)
        sql.exec('DELETE FROM noted WHERE channel = (SELECT channel FROM noted ORDER BY at LIMIT 1)');
    },
    noted() {
      const made = sql.exec("SELECT 1 FROM sqlite_schema WHERE name = 'noted'").toArray();
      if (made.length === 0) return [];
      const rows = sql.exec<{ channel: string; at: number; stat: string }>(
        'SELECT channel, at, stat FROM noted ORDER BY channel',
      );
      return rows.toArray().map(({ channel, at, stat }) => ({ channel, asOf: at, stat: JSON.parse(stat) }));
    },
  };
}
