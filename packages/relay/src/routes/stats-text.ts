// The relay's numbers as JSON, piece by piece: of a hundred thousand channels they are some 30 MB, and who writes those at once gives nobody
// else a turn for a second.
import type { World } from '@godwit/core';
import type { NamedStat, RelayStats } from './totals.ts';

/** Channels in a piece: a millisecond's worth. */
const channelsPerPiece = 200;
const encoder = new TextEncoder();

/** Writes the object that `RelayStats` describes; between two pieces, others have a turn. */
export function statsText(
  sums: Omit<RelayStats, 'channels'>,
  channels: readonly NamedStat[],
  world: Pick<World, 'after'>,
): ReadableStream<Uint8Array> {
  const pieces = piecesOf(sums, channels);
  let isFirst = true;
  return new ReadableStream({
    async pull(controller) {
      if (!isFirst) await new Promise<void>((resolve) => void world.after(0, resolve));
      isFirst = false;
      const { done, value } = pieces.next();
      if (done === true) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
  });
}

function* piecesOf(sums: object, channels: readonly NamedStat[]): Generator<string, undefined> {
  const begin = `${JSON.stringify(sums).slice(0, -1)},"channels":{`;
  for (let at = 0; at === 0 || at < channels.length; at += channelsPerPiece) {
    const end = at + channelsPerPiece;
    const members = channels
      .slice(at, end)
      .map(([name, stat]) => `${JSON.stringify(name)}:${JSON.stringify(stat)}`)
      .join();
    yield `${at === 0 ? begin : ','}${members}${end < channels.length ? '' : '}}'}`;
  }
}
