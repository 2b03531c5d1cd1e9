// The page's own life: prerendered before anybody looks at it, put away when somebody leaves it, shown again on the way back.

/** What hears of a page's life: a window. */
export type PageEvents = Pick<EventTarget, 'addEventListener'>;

/**
 * Resolves once somebody looks at this page. A browser that prerenders one holds back its worker, its locks and its
 * messages until then: https://wicg.github.io/nav-speculation/prerendering.html#intrusive-behaviors. Resolves also when the
 * signal aborts, or has.
 */
export async function untilShown(signal: AbortSignal | undefined): Promise<void> {
  const { document } = globalThis;
  if (document === undefined || !('prerendering' in document) || document.prerendering !== true) return;
  if (signal?.aborted === true) return;
  await new Promise((resolve) => {
    document.addEventListener('prerenderingchange', resolve, { once: true });
    signal?.addEventListener('abort', resolve, { once: true });
  });
}

/**
 * Calls `left` when the page goes where it may come back from, and `back` when it has: the back/forward cache. Calls `online`
 * when the browser has a network again: pages are told so, workers not by every browser (https://crbug.com/114475).
 */
export function watchPage(
  page: PageEvents,
  told: { readonly left: () => void; readonly back: () => void; readonly online: () => void },
): () => void {
  const life = new AbortController();
  const { signal } = life;
  const hear = (type: 'pagehide' | 'pageshow', tell: () => void): void => {
    page.addEventListener(type, (event) => 'persisted' in event && event.persisted === true && tell(), { signal });
  };
  hear('pagehide', told.left);
  hear('pageshow', told.back);
  page.addEventListener('online', told.online, { signal });
  return () => life.abort();
}
