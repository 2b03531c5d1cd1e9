// An event whose payload has changed: what an older release has published is lifted when it is read.
import { defineEvent, defineEvents, payload } from '@godwit/core';
import * as v from 'valibot';
import { createDevice, openTab } from './in-memory.ts';

/** Release 1: a price was a text. */
const release1 = defineEvents({ 'product.priced': payload<{ readonly sku: string; readonly price: string }>() });

/** Release 2: cents. Release 3: a currency beside. Each step knows only its own two versions. */
const release3 = defineEvents({
  'product.priced': defineEvent('product.priced', {
    version: 3,
    schema: v.object({ sku: v.string(), cents: v.number(), currency: v.string() }),
    upcast: {
      1: (old) => {
        const { sku, price } = v.parse(v.object({ sku: v.string(), price: v.string() }), old);
        return { sku, cents: Math.round(Number(price) * 100) };
      },
      2: (old) => ({ ...v.parse(v.object({ sku: v.string(), cents: v.number() }), old), currency: 'EUR' }),
    },
  }),
});

/** One tab still runs release 1, another of the same device release 3. Answers what the latter's handler gets. */
export async function pricesOfAnOlderRelease(prices: readonly string[]): Promise<readonly string[]> {
  const device = createDevice();
  const [older, newer] = [await openTab(release1, device), await openTab(release3, device)];
  const heard: string[] = [];
  const all = new Promise<void>((resolve) => {
    newer.on('product.priced', ({ data: { sku, cents, currency } }) => {
      heard.push(`${sku}: ${cents} cents, ${currency}`);
      if (heard.length === prices.length) resolve();
    });
  });
  for (const price of prices) await older.publish('product.priced', { sku: 'A1', price });
  await all;
  await Promise.all([older.close(), newer.close()]);
  return heard;
}
