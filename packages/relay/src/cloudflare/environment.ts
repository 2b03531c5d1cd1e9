// What a deployment says: the bindings and variables of the Worker, and what is wrong with them.
import { Failure, type World } from '@godwit/core';
import { compileRetention, type Limits, type RetentionRule } from '@godwit/core/protocol';
import { createAuthority } from '../authority/access.ts';
import type { Authority } from '../authority/authority.ts';
import type { Authorize } from '../authority/hook.ts';
import { secretBytesMin } from '../authority/keys.ts';
import { checkedOrigins, type Origins } from '../cors.ts';
import { limitsWith } from '../limits.ts';
import type { ChannelNamespace } from './stub.ts';

/** The Worker's environment. */
export interface RelayEnv {
  /** A Durable Object namespace of the class `ChannelObject`, with SQLite storage (`new_sqlite_classes`). */
  readonly CHANNELS: ChannelNamespace;
  /** The secret that signs tokens (HS256), at least 32 bytes. */
  readonly GODWIT_SECRET?: string;
  /** The key that verifies tokens (RS256, ES256, EdDSA): PEM, a JWK or a JWK Set. */
  readonly GODWIT_PUBLIC_KEY?: string;
  /** Where the issuer of such tokens publishes its keys. */
  readonly GODWIT_JWKS_URL?: string;
  /** A token's `iss` is one of these, divided by commas or spaces. */
  readonly GODWIT_ISSUER?: string;
  /** A token's `aud` has one of these, divided by commas or spaces. */
  readonly GODWIT_AUDIENCE?: string;
  /** `"true"` takes tokens from `?access_token=` too; URLs are logged. */
  readonly GODWIT_TOKEN_IN_QUERY?: string;
  /** `"true"` opens the relay to all. Never in production. */
  readonly GODWIT_INSECURE?: string;
  /** `"true"` lets webhooks go to private addresses, and over plain HTTP: for development with `wrangler dev`. */
  readonly GODWIT_ALLOW_PRIVATE_WEBHOOKS?: string;
  /** Origins that browsers may call from, divided by commas or spaces; `*` for all. */
  readonly GODWIT_CORS?: string;
  /** Limits other than the defaults of PROTOCOL.md, rule 10, by the names of `Limits`: an object, or its JSON as text. */
  readonly GODWIT_LIMITS?: Readonly<Partial<Record<keyof Limits, unknown>>> | string;
  /** What channels keep whose names match, as `[{ "channels": "room:*", "retentionMs": 3600000 }]`; the first that matches decides. Its JSON as text does, too. */
  readonly GODWIT_RETENTION?: unknown;
}

/** An event's row has at most 2 MB, in which its type stands twice and what the relay adds takes room. */
const eventBytesMax = 1_500_000;

/**
 * The relay's limits.
 *
 * @throws Failure `InvalidOptions`
 */
export function limitsOf({ GODWIT_LIMITS = {} }: Pick<RelayEnv, 'GODWIT_LIMITS'>): Limits {
  const given = parsed('GODWIT_LIMITS', GODWIT_LIMITS);
  if (typeof given !== 'object' || given === null) throw invalid('GODWIT_LIMITS is not an object; see wrangler.jsonc');
  const limits = limitsWith(given, 'GODWIT_LIMITS');
  if (limits.eventBytesMax > eventBytesMax) {
    throw invalid(
      `GODWIT_LIMITS allows events of ${limits.eventBytesMax} bytes; on Workers ${eventBytesMax} are the most`,
    );
  }
  return limits;
}

/** A variable that holds more than text. `.dev.vars`, `wrangler --var` and the dashboard's text can say it as JSON alone. */
function parsed(name: string, given: unknown): unknown {
  if (typeof given !== 'string') return given;
  try {
    return JSON.parse(given);
  } catch (cause) {
    throw new Failure('InvalidOptions', `${name} is text that is not JSON: ${given}`, { cause });
  }
}

/** Whether webhooks may go to private addresses. */
export function allowsPrivateWebhooks(env: Pick<RelayEnv, 'GODWIT_ALLOW_PRIVATE_WEBHOOKS'>): boolean {
  return env.GODWIT_ALLOW_PRIVATE_WEBHOOKS === 'true';
}

/** What of a rule is a number. */
const bounds = new Set(['retentionMs', 'retentionBytes', 'retentionEvents']);

/**
 * The limits of each channel.
 *
 * @throws Failure `InvalidOptions`
 */
export function retentionOf(
  { GODWIT_RETENTION = [] }: Pick<RelayEnv, 'GODWIT_RETENTION'>,
  limits: Limits,
): (channel: string) => Limits {
  const given = parsed('GODWIT_RETENTION', GODWIT_RETENTION);
  if (!Array.isArray(given) || !given.every(isRule)) {
    throw invalid(
      'GODWIT_RETENTION is a list of { "channels": "room:*" } with retentionMs, retentionBytes or retentionEvents, numbers above 0',
    );
  }
  return compileRetention(limits, given);
}

function isRule(value: unknown): value is RetentionRule {
  if (typeof value !== 'object' || value === null) return false;
  const { channels, ...numbers } = value as Record<string, unknown>;
  return typeof channels === 'string' && Object.entries(numbers).every(isBound);
}

function isBound([name, bound]: [string, unknown]): boolean {
  return bounds.has(name) && typeof bound === 'number' && bound > 0;
}

/**
 * The origins that browsers may call from.
 *
 * @throws Failure `InvalidOptions`
 */
export function originsOf({ GODWIT_CORS: given = '' }: Pick<RelayEnv, 'GODWIT_CORS'>): Origins {
  const origins = listOf(given);
  return origins.includes('*') ? 'any' : checkedOrigins(origins);
}

/** What the ways to be let in are called here. */
const names = {
  insecure: 'GODWIT_INSECURE',
  secret: 'GODWIT_SECRET',
  publicKey: 'GODWIT_PUBLIC_KEY',
  jwksUrl: 'GODWIT_JWKS_URL',
  authorize: '`authorize`',
} as const;

/**
 * Who may do what: whoever has a token that a key verifies, whom `authorize` admits, or everybody where that was said in
 * so many words.
 *
 * @throws Failure `InvalidOptions`
 */
export async function authorityOf(
  env: Omit<RelayEnv, 'CHANNELS' | 'GODWIT_LIMITS'>,
  parts: {
    readonly world: Pick<World, 'now' | 'after'>;
    readonly report: (failure: Failure) => void;
    readonly authorize: Authorize | undefined;
  },
): Promise<Authority> {
  const { GODWIT_SECRET: text = '', GODWIT_ISSUER = '', GODWIT_AUDIENCE = '' } = env;
  const secret = new TextEncoder().encode(text);
  if (text !== '' && secret.byteLength < secretBytesMin) {
    throw invalid(`GODWIT_SECRET has ${secret.byteLength} bytes; HS256 needs ${secretBytesMin} at least`);
  }
  const origins = originsOf(env);
  const access = {
    insecure: env.GODWIT_INSECURE === 'true',
    secret: text === '' ? undefined : secret,
    publicKey: said(env.GODWIT_PUBLIC_KEY),
    jwksUrl: said(env.GODWIT_JWKS_URL),
    authorize: parts.authorize,
    issuer: GODWIT_ISSUER === '' ? undefined : listOf(GODWIT_ISSUER),
    audience: GODWIT_AUDIENCE === '' ? undefined : listOf(GODWIT_AUDIENCE),
    tokenInQuery: env.GODWIT_TOKEN_IN_QUERY === 'true',
  };
  return createAuthority(access, {
    ...parts,
    fetch: (url, init) => fetch(url, init),
    // A request's I/O ends with it: https://developers.cloudflare.com/workers/reference/how-workers-works/.
    sharesFetches: false,
    origins: origins === 'any' ? [] : origins,
    names,
    without:
      'this relay has no key, so it serves nobody: set one with `wrangler secret put GODWIT_SECRET`, or open it to all with the variable GODWIT_INSECURE="true"',
  });
}

/** A variable that is empty is one that is absent. */
function said(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function listOf(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((part) => part !== '');
}

function invalid(message: string): Failure {
  return new Failure('InvalidOptions', message);
}
