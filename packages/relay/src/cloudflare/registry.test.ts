import type { ChannelStat } from '@godwit/core/feed';
import { expect, test } from 'vitest';
import { openRegistry } from './registry.ts';
import { newObject } from './testing/objects.ts';

function statOf(published: number): ChannelStat {
  const counts = { published, duplicates: 0, refused: 0, delivered: 0, filtered: 0, dropped: {} };
  return {
    ...counts,
    subscribers: 0,
    queueDepth: 0,
    head: 'e.0',
    tail: 'e.0',
    bytes: 0,
    since: '2026-01-01T00:00:00Z',
  };
}

test('the registry knows what channels told last, forgets those that were removed, and holds so many and no more', async () => {
  const { inside } = newObject();
  await inside(async ({ sql }) => {
    const registry = openRegistry(sql, 3);
    expect(registry.noted()).toEqual([]);
    for (const [at, channel] of ['a', 'b', 'c', 'a', 'd'].entries()) registry.note(channel, statOf(at), at);
    // The one that told longest ago has gone.
    expect(registry.noted().map(({ channel, asOf, stat }) => [channel, asOf, stat.published])).toEqual([
      ['a', 3, 3],
      ['c', 2, 2],
      ['d', 4, 4],
    ]);
    registry.note('c', null, 5);
    expect(registry.noted().map(({ channel }) => channel)).toEqual(['a', 'd']);
  });
});
