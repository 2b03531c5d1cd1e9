// What a relay is told of NATS: where it is, who the relay is there, and how safely it keeps logs.
import { isIP } from 'node:net';
import { Failure } from '@godwit/core';

/** How NATS is reached, and used. At most one of `user`, `token`, `credentialsFile` and `nkeySeed` says who the relay is. */
export interface NatsOptions {
  /** As `nats://10.0.0.1:4222` or `tls://nats.example`, one or several; a server of a cluster tells of the others. */
  readonly servers: string | readonly string[];
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
  /** A file with a JWT and its seed, as `nsc` writes it. */
  readonly credentialsFile?: string | undefined;
  /** The seed of an nkey of a user: `SU…`. */
  readonly nkeySeed?: string | undefined;
  /** With it, though it be empty, the connection is by TLS or not at all; so it is with a server that is `tls://`. */
  readonly tls?: NatsTls | undefined;
  /** What names of streams and subjects begin with: relays of the same prefix share their channels. `godwit` unless said. */
  readonly prefix?: string | undefined;
  /** On how many servers a new stream is kept: 1 unless said, and 3 where one of them may be lost. */
  readonly replicas?: number | undefined;
}

/** Files of PEM. */
export interface NatsTls {
  /** Whose certificates count, where it is not those that Node brings. */
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

/** What an object of options may have. */
const texts = ['user', 'password', 'token', 'credentialsFile', 'nkeySeed', 'prefix'] as const;
const identities = ['user', 'token', 'credentialsFile', 'nkeySeed'] as const;
const tlsFiles = ['caFile', 'certFile', 'keyFile'];
const known = new Set<string>(['servers', ...texts, 'tls', 'replicas']);
const protocols = new Set(['nats:', 'tls:']);
/** As NATS has it. */
const replicasMax = 5;

/**
 * Checks the options, wherever they come from. What it says has no secret in it.
 *
 * @throws Failure `InvalidOptions`
 */
export function assertNatsOptions(given: unknown): asserts given is NatsOptions {
  if (!isObject(given)) throw invalid('they are an object, as {"servers":"nats://127.0.0.1:4222"}');
  const unknown = Object.keys(given).find((name) => !known.has(name));
  if (unknown !== undefined) throw invalid(`there is no "${unknown.slice(0, 40)}"; there are ${[...known].join(', ')}`);
  const { servers, user, password, tls, prefix, replicas } = given as Partial<Record<keyof NatsOptions, unknown>>;
  const urls: unknown = typeof servers === 'string' ? [servers] : servers;
  if (!Array.isArray(urls) || urls.length === 0) throw invalid('"servers" is a URL, or a list of them');
  for (const url of urls) assertServer(url, tls !== undefined);
  const odd = texts.find((text) => !isText(given[text as keyof typeof given]));
  if (odd !== undefined) throw invalid(`"${odd}" is text that is not empty`);
  const said = identities.filter((name) => given[name as keyof typeof given] !== undefined);
  if (said.length > 1) throw invalid(`"${said.join('" and "')}" exclude each other`);
  if (password !== undefined && user === undefined) throw invalid('"password" belongs to a "user"');
  // It is part of names of streams, which are names of folders on NATS's disk.
  if (typeof prefix === 'string' && !/^[A-Za-z0-9_-]{1,32}$/.test(prefix)) {
    throw invalid('"prefix" has 1 to 32 letters, digits, "_" and "-"');
  }
  if (replicas !== undefined && !isCount(replicas)) throw invalid(`"replicas" is a number from 1 to ${replicasMax}`);
  if (tls !== undefined) assertTls(tls);
}

function assertServer(url: unknown, isByTls: boolean): void {
  const parsed = typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !protocols.has(parsed.protocol) || parsed.host === '') {
    throw invalid('"servers" are URLs as nats://127.0.0.1:4222 or tls://nats.example');
  }
  // They would be passed over by NATS's client, and be seen wherever a URL is.
  if (parsed.username !== '') throw invalid('"servers" have no name and password in them: say "user" and "password"');
  // NATS's client would look for another name in the certificate.
  if ((isByTls || parsed.protocol === 'tls:') && isIP(parsed.hostname.replace(/^\[|\]$/g, '')) !== 0) {
    throw invalid(
      '"servers" that are reached by TLS have names, as tls://nats.example: certificates are checked against those',
    );
  }
}

function assertTls(tls: unknown): void {
  if (!isObject(tls)) throw invalid('"tls" is an object, as {"caFile":"ca.pem"}');
  for (const [name, value] of Object.entries(tls)) {
    if (!tlsFiles.includes(name)) throw invalid(`"tls" has no "${name.slice(0, 40)}"; it has ${tlsFiles.join(', ')}`);
    if (!isText(value)) throw invalid(`"${name}" is the name of a file`);
  }
}

function isText(value: unknown): boolean {
  return value === undefined || (typeof value === 'string' && value !== '');
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= replicasMax;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(message: string): Failure {
  return new Failure('InvalidOptions', `the options of NATS: ${message}`);
}
