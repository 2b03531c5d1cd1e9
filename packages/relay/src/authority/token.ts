// Where a request's token stands: in its Authorization header, in a cookie when the page that sent it is one of ours, or,
// where that was asked for, in its query.
import { Failure } from '@godwit/core';
import { allSaidIn } from '../query.ts';

/** The cookie that a page sets for readers that cannot send headers, as a native EventSource. */
export const tokenCookie = 'godwit_token';
/** The parameter of the query (RFC 6750, section 2.3). */
export const tokenParameter = 'access_token';

/**
 * Finds a request's token.
 *
 * @param where.origins further origins whose pages may use the cookie
 * @param where.tokenInQuery whether the query may hold it
 * @throws Failure `Unauthenticated` when there is none, `Forbidden` when another site's page tries to use the cookie
 */
export function tokenOf(
  request: Request,
  where: { readonly origins?: readonly string[] | undefined; readonly tokenInQuery?: boolean | undefined },
): string {
  const [, bearer] = /^Bearer +([^\s]+)\s*$/i.exec(request.headers.get('authorization') ?? '') ?? [];
  if (bearer !== undefined) return bearer;
  const inQuery = tokenInQuery(request, where.tokenInQuery === true);
  if (inQuery !== undefined) return inQuery;
  const cookies = (request.headers.get('cookie') ?? '').split(';').map((pair) => pair.trim());
  const cookie = cookies.find((pair) => pair.startsWith(`${tokenCookie}=`));
  if (cookie === undefined) {
    throw new Failure(
      'Unauthenticated',
      'this relay wants a token: send "Authorization: Bearer <JWT>", as a runtime does whose option `token` answers one',
    );
  }
  assertOwnPage(request, where.origins ?? []);
  return cookie.slice(tokenCookie.length + 1);
}

function tokenInQuery({ url }: Request, isAllowed: boolean): string | undefined {
  if (!url.includes(tokenParameter)) return undefined;
  const [token, ...others] = allSaidIn(new URL(url).searchParams, tokenParameter);
  if (token === undefined) return undefined;
  if (!isAllowed) {
    throw new Failure(
      'Unauthenticated',
      `this relay takes no token from ?${tokenParameter}=, since URLs are logged; send it as "Authorization: Bearer <JWT>"`,
    );
  }
  if (others.length > 0) throw new Failure('Unauthenticated', `?${tokenParameter}= comes twice; which one is meant?`);
  return token;
}

/** Browsers send cookies with requests that any site makes; only those of our own pages count (CSRF). */
function assertOwnPage(request: Request, origins: readonly string[]): void {
  const origin = request.headers.get('origin');
  const site = request.headers.get('sec-fetch-site');
  if (origin === null) {
    // A browser leaves it out where a page reads from its own origin, and always says it where one writes.
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (isRead && (site === null || site === 'same-origin' || site === 'none')) return;
  } else if (origins.includes(origin) || isOwnOrigin(request, origin, site)) return;
  throw new Failure(
    'Forbidden',
    `a page of ${origin ?? 'another site'} may not use the cookie; send the token as a bearer`,
  );
}

/** Whether a page is of the relay's own origin. Behind a proxy that ends TLS the schemes differ; there the browser's own word, which no page can write, decides. */
export function isOwnOrigin({ url }: Request, origin: string, site: string | null): boolean {
  const own = new URL(url);
  if (origin === own.origin) return site === null || site === 'same-origin';
  return site === 'same-origin' && URL.parse(origin)?.host === own.host;
}
