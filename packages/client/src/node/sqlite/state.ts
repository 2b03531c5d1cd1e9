// What a device knows of its channels: the cursors, and how much is behind them.
import type { DatabaseSync } from 'node:sqlite';
import {
  afterKey,
  headOf,
  pendingOf,
  segmentAt,
  type ChannelState,
  type Position,
  type StoreState,
} from '@godwit/core';
import { segmentColumns, segmentsOf } from './segment.ts';
import { fromKey, textOf, toKey } from './text.ts';

/** Prepares what reads the log's head, and every channel that has an outbound segment or a cursor, or only one of them. */
export function prepareState(
  database: DatabaseSync,
  newest: () => number,
): (only?: string) => Omit<StoreState, 'deviceId'> {
  const cursors = database.prepare('SELECT name, sent, echo, read, recheck FROM channels');
  const cursorOf = database.prepare('SELECT name, sent, echo, read, recheck FROM channels WHERE name = ?');
  // One seek each, where DISTINCT walks over every segment.
  const nextOut = database.prepare('SELECT out FROM log WHERE out > ? ORDER BY out LIMIT 1');
  const pendingBehind = database.prepare(
    'SELECT COALESCE(SUM(n), 0) AS events, COALESCE(SUM(bytes), 0) AS bytes FROM log WHERE out = ? AND segment > ?',
  );
  const ownSegment = database.prepare(`SELECT ${segmentColumns} FROM log WHERE segment = ? AND out = ?`);
  const lastOf = database.prepare('SELECT last FROM log WHERE after = ?');

  return (only) => {
    // Without a prototype: `constructor` is a channel's name like any other.
    const channels: Record<string, ChannelState> = Object.create(null);
    for (const { name, sent, echo, read, recheck } of only === undefined ? cursors.all() : cursorOf.all(toKey(only))) {
      const channel = fromKey(name);
      channels[channel] = {
        sent: Number(sent),
        echo: Number(echo),
        read: repaired(channel, offsetOf(read)),
        recheckTo: offsetOf(recheck),
        ...pending(channel, Number(sent)),
      };
    }
    for (const out of only === undefined ? outboxes() : [only]) {
      channels[out] ??= { sent: 0, echo: 0, read: undefined, recheckTo: undefined, ...pending(out, 0) };
    }
    return { head: headOf(newest(), undefined), channels };
  };

  function* outboxes(): Generator<string, undefined> {
    for (let row = nextOut.get(''); row !== undefined;) {
      const out = fromKey(row['out']);
      yield out;
      row = nextOut.get(toKey(out));
    }
  }

  function pending(channel: string, sent: Position): Pick<ChannelState, 'pendingEvents' | 'pendingBytes'> {
    const [out, within] = [toKey(channel), segmentAt(sent)];
    const { events, bytes } = pendingBehind.get(out, within) ?? {};
    let [pendingEvents, pendingBytes] = [Number(events), Number(bytes)];
    for (const segment of segmentsOf(ownSegment.iterate(within, out))) {
      const rest = pendingOf(segment, sent);
      pendingEvents += rest.pendingEvents;
      pendingBytes += rest.pendingBytes;
    }
    return { pendingEvents, pendingBytes };
  }

  /** Each page says behind which offset it begins: following them from a cursor that was moved back leads to the newest. */
  function repaired(channel: string, read: string | undefined): string | undefined {
    const seen = new Set<string>();
    let offset = read;
    // A relay that went back within its epoch makes a circle of pages, which must not hold us for ever.
    while (offset !== undefined && !seen.has(offset)) {
      seen.add(offset);
      const page = lastOf.get(toKey(afterKey(channel, offset)));
      if (page === undefined) return offset;
      offset = offsetOf(page['last'] ?? null);
    }
    return read;
  }
}

function offsetOf(column: unknown): string | undefined {
  return column === null ? undefined : JSON.parse(textOf(column));
}
