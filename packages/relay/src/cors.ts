// Which pages of other origins may use the relay (the Fetch standard's CORS protocol).
import type { MiddlewareHandler } from 'hono';
import { Failure } from '@godwit/core';
import { headerNames } from '@godwit/core/protocol';

/** `any` page, or those of these origins, as `https://example.org`. */
export type Origins = 'any' | readonly string[];

const exposed = [...Object.values(headerNames), 'etag', 'link'].join(', ');
/** Browsers cap it at two hours or less. */
const preflightSeconds = 7200;

/** Of an extension or an app it is a scheme of its own, whose origins `URL` does not know. */
const ownScheme = /^(?!https?:)[a-z][a-z0-9+.-]*:\/\/[^/\s]+$/;

/**
 * Answers the origins, each as browsers write it: one that is written otherwise would match no page, and nobody would know why.
 *
 * @see https://html.spec.whatwg.org/multipage/browsers.html#ascii-serialisation-of-an-origin
 * @throws Failure `InvalidOptions`
 */
export function checkedOrigins(origins: Origins): Origins {
  if (origins === 'any') return origins;
  const wrong = origins.find((origin) => URL.parse(origin)?.origin !== origin && !ownScheme.test(origin));
  if (wrong === undefined) return origins;
  const meant = URL.parse(wrong)?.origin ?? 'null';
  const hint = meant === 'null' ? 'https://app.example, without a path' : meant;
  throw new Failure('InvalidOptions', `an origin is written as browsers do, as ${hint}; got ${JSON.stringify(wrong)}`);
}

/** Answers preflights, and lets pages read answers. */
export function cors(origins: Origins): MiddlewareHandler {
  return async (context, next) => {
    // A socket's answer is the platform's and not to be changed; its own route asks which page opens it.
    if (context.req.header('upgrade')?.toLowerCase() === 'websocket') return next();
    const origin = context.req.header('origin');
    const allowed = origin !== undefined && (origins === 'any' || origins.includes(origin));
    const asked = context.req.header('access-control-request-method');
    if (context.req.method === 'OPTIONS' && asked !== undefined) {
      context.res = new Response(null, { status: 204 });
      if (allowed) {
        context.header('access-control-allow-methods', 'GET, HEAD, POST, DELETE');
        // As asked: extensions travel in headers of any name, and `*` does not cover Authorization.
        const headers = context.req.header('access-control-request-headers');
        if (headers !== undefined) context.header('access-control-allow-headers', headers);
        context.header('access-control-max-age', String(preflightSeconds));
      }
    } else await next();
    // Nobody keeps the answer to a post: there it would only cost as much as the rest of the answer.
    if (origins !== 'any' && context.req.method !== 'POST') context.header('vary', 'Origin', { append: true });
    if (!allowed) return;
    context.header('access-control-allow-origin', origins === 'any' ? '*' : origin);
    if (origins !== 'any') context.header('access-control-allow-credentials', 'true');
    context.header('access-control-expose-headers', exposed);
  };
}
