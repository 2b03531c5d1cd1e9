// Where a webhook may go: nowhere that only the relay, or its network, can reach. Else whoever registers one reads the inside.
import { Failure } from '@godwit/core';

/** Longer than any honest address. */
const urlLengthMax = 2048;

/** Where a platform sends. */
export interface UrlRules {
  /** Private addresses and plain HTTP are allowed, too. */
  readonly allowsPrivate: boolean;
  /** Whether an address, written as one, is of the public Internet. */
  readonly isPublic: (address: string) => boolean;
}

/**
 * Checks where a webhook is to go. A name is looked up when something is sent, and each time anew.
 *
 * @throws Failure `InvalidRequest`
 */
export function assertWebhookUrl(text: string, { allowsPrivate, isPublic }: UrlRules): void {
  const url = text.length > urlLengthMax ? null : URL.parse(text);
  if (url === null) throw invalid(`\`url\` is an absolute URL of up to ${urlLengthMax} characters`);
  if (url.username !== '' || url.password !== '')
    throw invalid('`url` holds a name or a password; check signatures instead');
  if (url.hash !== '') throw invalid('`url` has a fragment, which nobody would be sent');
  if (allowsPrivate && url.protocol === 'http:') return;
  if (url.protocol !== 'https:') throw invalid(`\`url\` is https://…; got ${url.protocol}//`);
  if (allowsPrivate) return;
  const host = hostOf(url);
  if (isAddress(url) ? !isPublic(host) : isLocalName(host)) {
    throw invalid(`\`url\` leads to ${host}; this relay sends to the public Internet alone`);
  }
}

/** A URL's host, without the brackets of IPv6. */
export function hostOf({ hostname }: URL): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}

/** However it was written: a URL's parser has made four numbers of it, or brackets (the URL standard, "host parser"). */
function isAddress({ hostname }: URL): boolean {
  return hostname.startsWith('[') || /^\d+\.\d+\.\d+\.\d+$/.test(hostname);
}

/** Names that are of no public network (RFC 6761, RFC 6762, RFC 8375). */
function isLocalName(host: string): boolean {
  const name = host.replace(/\.$/, '');
  return !name.includes('.') || /\.(localhost|local|internal|home\.arpa)$/.test(name);
}

function invalid(message: string): Failure {
  return new Failure('InvalidRequest', message);
}
