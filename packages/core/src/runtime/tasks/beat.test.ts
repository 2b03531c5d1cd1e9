import { expect, test } from 'vitest';
import { createDevice } from './test/device.ts';

test('a tab that is at work keeps its lease, however much is published meanwhile', async () => {
  const { tab, world } = createDevice();
  const [first, second] = [await tab(), await tab()];
  const begun: string[] = [];
  const aborted: string[] = [];
  const handle = (who: string, shop: typeof first): void => {
    shop.handle('order.placed', 'ship', async ({ data: { n } }, { signal }) => {
      begun.push(`${who}: ${n}`);
      signal.addEventListener('abort', () => aborted.push(who), { once: true });
      await new Promise<void>((resolve) => void world.after(60_000, resolve));
    });
  };
  handle('first', first);
  await world.settle();
  await first.publish('order.placed', { n: 1 });
  await world.settle();
  handle('second', second);
  // Each rings before a beat is due.
  for (let second = 0; second < 40; second += 1) {
    await first.publish('order.paid', { n: second });
    await world.advance(1000);
  }
  expect(begun).toEqual(['first: 1']);
  expect(aborted).toEqual([]);
});
