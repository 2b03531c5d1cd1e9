// Where a request's token stands: in its Authorization header, or in a cookie when the page that sent it is one of ours.
import { Failure } from '@godwit/core';

/** The cookie that a page sets for readers that cannot send headers, as a native EventSource. */
export const tokenCookie = 'godwit_token';

/**
 * Finds a request's token.
 *
 * @param origins further origins whose pages may use the cookie
 * @throws Failure `Unauthenticated` when there is none, `Forbidden` when another site's page tries to use the cookie
 */
export function tokenOf(request: Request, origins: readonly string[]): string {
  const [, bearer] = /^Bearer +([^\s]+)\s*$/i.exec(request.headers.get('authorization') ?? '') ?? [];
  if (bearer !== undefined) return bearer;
  const cookies = (request.headers.get('cookie') ?? '').split(';').map((pair) => pair.trim());
  const cookie = cookies.find((pair) => pair.startsWith(`${tokenCookie}=`));
  if (cookie === undefined) {
    throw new Failure('Unauthenticated', 'this relay wants a token: send "Authorization: Bearer <JWT>"');
  }
  assertOwnPage(request, origins);
  return cookie.slice(tokenCookie.length + 1);
}

/** Browsers send cookies with requests that any site makes; only those of our own pages count (CSRF). */
function assertOwnPage(request: Request, origins: readonly string[]): void {
  const origin = request.headers.get('origin');
  const site = request.headers.get('sec-fetch-site');
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  if (origin === null) {
    // A browser leaves it out where a page reads from its own origin.
    if (isRead && (site === null || site === 'same-origin' || site === 'none')) return;
  } else if (origin === new URL(request.url).origin || origins.includes(origin)) return;
  throw new Failure(
    'Forbidden',
    `a page of ${origin ?? 'another site'} may not use the cookie; send the token as a bearer`,
  );
}
