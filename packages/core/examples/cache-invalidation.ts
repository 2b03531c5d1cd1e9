// Row 97. A cache that forgets what an event says has changed: exact keys, and all that begin alike.
import { createDispatcher, type Dispatcher } from '@godwit/core/dispatcher';

/** What happens in the shop. */
export interface ProductEvents {
  'product.updated': { readonly id: string };
  'product.deleted': { readonly id: string };
}

/** A cache of pages, emptied by events. */
export function createPageCache(dispatcher: Dispatcher<ProductEvents>): Map<string, string> {
  const pages = new Map<string, string>();
  dispatcher.on('product.*', ({ id }) => {
    pages.delete(`products:${id}`);
    // Every list may show it: `products:list:*`.
    for (const key of pages.keys()) if (key.startsWith('products:list:')) pages.delete(key);
  });
  return pages;
}

/** Shows it at work. */
export function cacheInvalidation(): readonly string[] {
  const dispatcher = createDispatcher<ProductEvents>();
  const pages = createPageCache(dispatcher);
  for (const key of ['products:1', 'products:2', 'products:list:new', 'products:list:sale', 'about'])
    pages.set(key, '…');
  dispatcher.dispatch('product.updated', { id: '1' });
  return [...pages.keys()];
}
