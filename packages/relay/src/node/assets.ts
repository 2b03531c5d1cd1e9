// Files beside the relay's API, so that a page and its relay share one port and one origin.
import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { serveStatic } from '@hono/node-server/serve-static';
import { Hono } from 'hono';
import { invalid } from './key-file.ts';

/** The app's own paths: no file stands in their way. */
const apiPath = /^\/(v1|metrics|healthz|readyz)(\/|$)/;
/** A name that begins with a dot, as of keys and histories; but RFC 8615 has pages keep things under such a one. */
const hiddenPath = /[/\\]\.(?!well-known\/)/;

/**
 * Checks that there is something to serve, and that the relay's own file is not among it.
 *
 * @throws Failure `InvalidOptions`
 */
export function assertFolder(path: string, data: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw invalid(`there is no folder ${resolve(path)}; --assets names one whose files are served`);
  }
  if (!liesIn(realPathOf(path), realPathOf(data))) return;
  throw invalid(`--data ${resolve(data)} lies in what --assets serves to whoever asks; name a folder beside it`);
}

/** Serves a folder's files where the app has nothing: what lies in it, and is not hidden. A link that leads out of it leads to nothing. */
export function withAssets(app: Hono, folder: string): Hono {
  const outer = new Hono();
  const root = resolve(folder);
  const files = serveStatic({ root });
  outer.use(async (context, next) => {
    const isRead = context.req.method === 'GET' || context.req.method === 'HEAD';
    const { path } = context.req;
    if (!isRead || apiPath.test(path) || hiddenPath.test(path) || !hasFile(root, path)) return next();
    const found = await files(context, next);
    // Where there is no file, it is what the next one answered.
    if (found instanceof Response) found.headers.set('cache-control', cacheControlOf(path));
    return found;
  });
  outer.all('*', (context) => app.fetch(context.req.raw));
  return outer;
}

/**
 * Whether there is a file, and in the folder: by a link, as what is unpacked there may hold one, others could be reached. What is a file
 * by name only, as a pipe, would hold up a thread for ever.
 */
function hasFile(root: string, path: string): boolean {
  try {
    const at = join(root, path);
    // In a folder it is its index that is served.
    const file = realpathSync(statSync(at).isDirectory() ? join(at, 'index.html') : at);
    return statSync(file).isFile() && liesIn(realpathSync(root), file);
  } catch {
    return false;
  }
}

function liesIn(folder: string, path: string): boolean {
  const within = relative(folder, path);
  return !isAbsolute(within) && !/^\.\.($|[/\\])/.test(within);
}

/** A path without links, also of what is yet to be made. */
function realPathOf(path: string): string {
  const absolute = resolve(path);
  if (existsSync(absolute) || dirname(absolute) === absolute) return realpathSync(absolute);
  return join(realPathOf(dirname(absolute)), basename(absolute));
}

/** Built files carry their content's hash in their names; a page does not, and names them. */
function cacheControlOf(path: string): string {
  return path.includes('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';
}
