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
