import type { Logs } from '@godwit/core';
import { expect, test } from 'vitest';
import { createTestApp } from './test/app.ts';

const names = Array.from({ length: 1000 }, (_, index) => `room:${index}`);

test.for(['/v1/stats', '/metrics'])(
  '%s asks a thousand channels, and lets others have a turn meanwhile',
  async (path) => {
    let asked = 0;
    const { world, get, publish } = createTestApp({}, (logs: Logs) => ({
      ...logs,
      async open(channel) {
        const log = await logs.open(channel);
        return { ...log, stat: () => ((asked += 1), log.stat()) };
      },
    }));
    await publish(names);
    asked = 0;
    const answer = get(path);
    for (let turn = 0; turn < 20; turn += 1) await world.settle();
    expect(asked).toBeLessThanOrEqual(50);
    await world.advance(0);
    const text = await (await answer).text();
    for (const name of ['room:0', 'room:999']) expect(text).toContain(`"${name}"`);
  },
);

test('of more than a thousand channels, metrics name the first thousand and sum the others: their number of series is bounded', async () => {
  const { get, publish, world } = createTestApp();
  const many = Array.from({ length: 1200 }, (_, index) => `room:${String(index).padStart(4, '0')}`);
  await publish(many);
  const answer = get('/metrics');
  for (let turn = 0; turn < 100; turn += 1) await world.advance(1);
  const text = await (await answer).text();
  const published = [...text.matchAll(/^godwit_published_total\{channel="(.+)"\} (\d+)$/gm)];
  expect(published).toHaveLength(1001);
  expect(published.at(-1)?.slice(1)).toEqual(['(others)', '200']);
});
