import { expect, test } from 'vitest';
import { createTestWorld } from '../testing/world.ts';
import { createNews } from './news.ts';

test('news wakes whoever waits, and the end of one wait wakes nobody else', async () => {
  const world = createTestWorld();
  const news = createNews(world);
  const heard: string[] = [];
  for (const [name, ms] of [
    ['alice', 1000],
    ['bob', 5000],
  ] as const) {
    void news
      .watch(ms)
      .next()
      .then((isNews) => heard.push(`${name} ${isNews}`));
  }
  await world.advance(1000);
  expect(heard).toEqual(['alice false']);
  expect(news.watching).toBe(1);
  news.ring();
  await world.settle();
  expect(heard).toEqual(['alice false', 'bob true']);
});

test('news that comes during a look is not slept through', async () => {
  const news = createNews(createTestWorld());
  const watch = news.watch(1000);
  watch.clear();
  news.ring();
  expect(await watch.next()).toBe(true);
});

test('whoever has watched leaves nothing behind, however it ended', async () => {
  const world = createTestWorld();
  const news = createNews(world);
  for (let turn = 0; turn < 100; turn += 1) {
    news.watch(0).stop();
    news.watch(1000).stop();
    void news.watch(10).next();
    await world.advance(10);
  }
  expect([news.watching, world.timers]).toEqual([0, 0]);
  const waits = [news.watch(1000).next(), news.watch(2000).next()];
  news.end();
  expect(await Promise.all(waits)).toEqual([false, false]);
  expect([news.watching, world.timers]).toEqual([0, 0]);
  expect(news.watch(1000).isOver).toBe(true);
});

test('a watch that a moment of the clock bounds ends at that, though timers are early or the clock is set back', async () => {
  const world = createTestWorld();
  const news = createNews({ ...world, after: (ms, callback) => world.after(Math.max(1, ms - 1), callback) });
  const begun = world.now();
  const ends: number[] = [];
  const watch = async (ms: number, until: number): Promise<void> => {
    expect(await news.watch(ms, until).next()).toBe(false);
    ends.push(world.now() - begun);
  };
  const all = [watch(5000, begun + 1000), watch(5000, begun + 2000), watch(500, begun + 1000), watch(5000, begun - 1)];
  await world.advance(1500);
  world.setClock(begun + 500);
  await world.advance(10_000);
  await Promise.all(all);
  expect(ends).toEqual([0, 499, 1000, 2000]);
  expect([news.watching, world.timers]).toEqual([0, 0]);
});
