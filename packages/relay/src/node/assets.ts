// Files beside the relay's API, so that a page and its relay share one port and one origin.
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { serveStatic } from '@hono/node-server/serve-static';
import { Hono } from 'hono';
import { invalid } from './key-file.ts';

/** The app's own paths: no file stands in their way. */
const apiPath = /^\/(v1|metrics|healthz|readyz)(\/|$)/;

/**
 * Checks that there is something to serve.
 *
 * @throws Failure `InvalidOptions`
 */
export function assertFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw invalid(`there is no folder ${resolve(path)}; --assets names one whose files are served`);
}

/** Serves a folder's files where the app has nothing. It serves only what lies in the folder. */
export function withAssets(app: Hono, folder: string): Hono {
  const outer = new Hono();
  const files = serveStatic({ root: resolve(folder) });
  outer.use(async (context, next) => {
    const isRead = context.req.method === 'GET' || context.req.method === 'HEAD';
    if (!isRead || apiPath.test(context.req.path)) return next();
    const found = await files(context, next);
    // Where there is no file, it is what the next one answered.
    if (found instanceof Response) found.headers.set('cache-control', cacheControlOf(context.req.path));
    return found;
  });
  outer.all('*', (context) => app.fetch(context.req.raw));
  return outer;
}

/** Built files carry their content's hash in their names; a page does not, and names them. */
function cacheControlOf(path: string): string {
  return path.includes('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';
}
