// Whether somebody looks at this page: a tab in sight does not wait for a leader that froze, and only a page knows that it is seen.
import type { Stop } from '@godwit/core';

/** What of a page says so. */
export type VisiblePage = Pick<Document, 'visibilityState' | 'addEventListener' | 'removeEventListener'>;

/** Tells whether the page is visible now, and whenever that changes; nothing, where there is none. */
export function watchVisibility(page: VisiblePage | undefined, tell: (isVisible: boolean) => unknown): Stop {
  if (page === undefined) return () => undefined;
  const look = (): unknown => tell(page.visibilityState === 'visible');
  look();
  page.addEventListener('visibilitychange', look);
  return () => page.removeEventListener('visibilitychange', look);
}
