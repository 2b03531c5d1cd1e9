// Row 99. Numbers from events that are there anyway; gathered in batches, so that counting costs the shop nothing.
import { createBatcher, createDispatcher } from '@godwit/core/dispatcher';

/** What is measured. */
export interface ShopEvents {
  'page.viewed': { readonly path: string };
  'order.placed': { readonly total: number };
}

/** Counts events by type, and adds up what was ordered. Answers what was written, batch by batch. */
export async function analytics(): Promise<readonly (readonly [type: string, value: number])[][]> {
  const written: (readonly [string, number])[][] = [];
  const dispatcher = createDispatcher<ShopEvents>();
  const batcher = createBatcher<readonly [string, number]>({
    sizeMax: 3,
    flush: (rows) => void written.push([...rows]),
  });
  dispatcher.on('**', (data, { type }) => batcher.add([type, 'total' in data ? data.total : 1]));
  dispatcher.dispatch('page.viewed', { path: '/' });
  dispatcher.dispatch('page.viewed', { path: '/cart' });
  dispatcher.dispatch('order.placed', { total: 40 });
  dispatcher.dispatch('order.placed', { total: 2 });
  await batcher.close();
  return written;
}
