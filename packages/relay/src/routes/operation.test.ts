import type { Logs } from '@godwit/core';
import type { TestWorld } from '@godwit/core/testing';
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
    const text = await textOf(answer, world);
    for (const name of ['room:0', 'room:999']) expect(text).toContain(`"${name}"`);
  },
);

test('of more than a thousand channels, metrics name the first thousand and sum the others: their number of series is bounded', async () => {
  const { get, publish, world } = createTestApp();
  const many = Array.from({ length: 1200 }, (_, index) => `room:${String(index).padStart(4, '0')}`);
  await publish(many);
  const text = await textOf(get('/metrics'), world);
  const published = [...text.matchAll(/^godwit_published_total\{channel="(.+)"\} (\d+)$/gm)];
  expect(published).toHaveLength(1001);
  expect(published.at(-1)?.slice(1)).toEqual(['(others)', '200']);
});

test('of many channels the statistics are written piece by piece, and others have a turn between two', async () => {
  const { get, publish, world } = createTestApp();
  await publish(names);
  const answer = get('/v1/stats');
  const pieces = (await afterTurns(answer, world)).body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = (await pieces?.read())?.value ?? '';
  expect(text).toMatch(/^\{"published":1000,.*"channels":\{"room:0":\{[^}]*\}.*\}$/);
  let isWritten = false;
  const next = pieces?.read().then((piece) => {
    isWritten = true;
    return piece;
  });
  for (let turn = 0; turn < 20; turn += 1) await world.settle();
  expect(isWritten).toBe(false);
  await world.advance(0);
  for (let piece = await next; piece?.done === false;) {
    text += piece.value;
    const following = pieces?.read();
    await world.advance(0);
    piece = await following;
  }
  const { published, channels } = JSON.parse(text) as { readonly published: number; readonly channels: object };
  expect(published).toBe(1000);
  expect(Object.keys(channels)).toEqual(names);
});

/** Time goes on by a hundred turns meanwhile. */
async function afterTurns<Result>(work: Promise<Result>, world: TestWorld): Promise<Result> {
  for (let turn = 0; turn < 100; turn += 1) await world.advance(1);
  return work;
}

async function textOf(answer: Promise<Response>, world: TestWorld): Promise<string> {
  return afterTurns(
    answer.then((response) => response.text()),
    world,
  );
}
