// trim: drops whole segments from a channel's tail, and the identities that stood in them.
import { decodeCloudEvent, type TrimBounds } from '@godwit/core';
import { identityAsText, type ChannelRow, type SegmentRow, type Tables } from './tables.ts';

/** Segments dropped in one transaction, and about how many events: some milliseconds, and between two, appends have their turn. */
const segmentsAtOnce = 16;
const eventsAtOnce = 500;

/** Drops some of what is out of bounds. Runs inside a transaction; answers the row as it is then. */
export function trimSome(tables: Tables, row: ChannelRow, bounds: TrimBounds): ChannelRow {
  const { before, bytesMax, eventsMax = Infinity } = bounds;
  let { bytes, tail } = row;
  for (const segment of tables.oldestSegments(row.id, segmentsAtOnce)) {
    const left = row.head + 1 - (segment.first + segment.n);
    if (segment.at >= before && bytes <= bytesMax && left < eventsMax) break;
    // The next step's: a first one is dropped, however large.
    if (tail > row.tail && segment.first + segment.n - row.tail > eventsAtOnce) break;
    dropSegment(tables, row.id, segment);
    bytes -= segment.bytes;
    tail = segment.first + segment.n;
  }
  const trimmed = { ...row, bytes, tail };
  if (tail !== row.tail) tables.updateChannel(trimmed);
  return trimmed;
}

/** Drops some of a channel that was removed. Runs inside a transaction; answers whether all of it is gone. */
export function purgeSome(tables: Tables, id: number): boolean {
  let events = 0;
  for (const segment of tables.oldestSegments(id, segmentsAtOnce)) {
    dropSegment(tables, id, segment);
    events += segment.n;
    if (events >= eventsAtOnce) break;
  }
  if (events > 0) return false;
  tables.deleteChannel(id);
  return true;
}

function dropSegment(tables: Tables, channel: number, { first, body }: SegmentRow): void {
  // From the events themselves: an index from sequences to identities would cost every append a second write.
  for (const line of body.split('\n')) {
    tables.deleteId(channel, identityAsText(decodeCloudEvent(JSON.parse(line))));
  }
  tables.deleteSegment(channel, first);
}
