// What a deployment says: the bindings and variables of the Worker, and what is wrong with them.
import { Failure, type World } from '@godwit/core';
import { defaultLimits, type Limits } from '@godwit/core/protocol';
import { createInsecureAuthority, type Authority } from '../authority/authority.ts';
import { createSecretAuthority, secretBytesMin } from '../authority/secret.ts';
import type { Origins } from '../cors.ts';
import type { ChannelNamespace } from './channels.ts';

/** The Worker's environment. */
export interface RelayEnv {
  /** A Durable Object namespace of the class `ChannelObject`, with SQLite storage (`new_sqlite_classes`). */
  readonly CHANNELS: ChannelNamespace;
  /** The secret that signs tokens (HS256), at least 32 bytes. */
  readonly GODWIT_SECRET?: string;
  /** `"true"` opens the relay to all. Never in production. */
  readonly GODWIT_INSECURE?: string;
  /** Origins that browsers may call from, divided by commas or spaces; `*` for all. */
  readonly GODWIT_CORS?: string;
  /** Limits other than the defaults of PROTOCOL.md, rule 10, as an object, by the names of `Limits`. */
  readonly GODWIT_LIMITS?: Readonly<Partial<Record<keyof Limits, unknown>>> | string;
}

/** An event's row has at most 2 MB, in which its type stands twice and what the relay adds takes room. */
const eventBytesMax = 1_500_000;

/**
 * The relay's limits.
 *
 * @throws Failure `InvalidOptions`
 */
export function limitsOf({ GODWIT_LIMITS: given = {} }: Pick<RelayEnv, 'GODWIT_LIMITS'>): Limits {
  if (typeof given !== 'object' || given === null) throw invalid('GODWIT_LIMITS is not an object; see wrangler.jsonc');
  for (const [name, value] of Object.entries(given)) {
    if (!(name in defaultLimits)) throw invalid(`GODWIT_LIMITS has "${name}", which is no limit`);
    if (typeof value !== 'number' || !(value > 0)) {
      throw invalid(`GODWIT_LIMITS has "${name}": ${JSON.stringify(value)}; expected a number above 0`);
    }
  }
  const limits = { ...defaultLimits, ...(given as Partial<Limits>) };
  if (limits.eventBytesMax > eventBytesMax) {
    throw invalid(
      `GODWIT_LIMITS allows events of ${limits.eventBytesMax} bytes; on Workers ${eventBytesMax} are the most`,
    );
  }
  return limits;
}

/** The origins that browsers may call from. */
export function originsOf({ GODWIT_CORS: given = '' }: Pick<RelayEnv, 'GODWIT_CORS'>): Origins {
  const origins = given.split(/[\s,]+/).filter((origin) => origin !== '');
  return origins.includes('*') ? 'any' : origins;
}

/**
 * Who may do what: whoever has a token signed with the secret, or everybody where that was said in so many words.
 *
 * @throws Failure `InvalidOptions`
 */
export function authorityOf(
  env: Pick<RelayEnv, 'GODWIT_SECRET' | 'GODWIT_INSECURE' | 'GODWIT_CORS'>,
  world: Pick<World, 'now'>,
): Authority {
  const { GODWIT_SECRET: text = '', GODWIT_INSECURE } = env;
  const isInsecure = GODWIT_INSECURE === 'true';
  if (text === '' && isInsecure) return createInsecureAuthority();
  if (text === '') {
    throw invalid(
      'this relay has no key, so it serves nobody: set one with `wrangler secret put GODWIT_SECRET`, or open it to all with the variable GODWIT_INSECURE="true"',
    );
  }
  if (isInsecure) {
    throw invalid('this relay has a key and is open to all: remove either GODWIT_SECRET or GODWIT_INSECURE');
  }
  const secret = new TextEncoder().encode(text);
  if (secret.byteLength < secretBytesMin) {
    throw invalid(`GODWIT_SECRET has ${secret.byteLength} bytes; HS256 needs ${secretBytesMin} at least`);
  }
  const origins = originsOf(env);
  return createSecretAuthority({ secret, world, origins: origins === 'any' ? [] : origins });
}

function invalid(message: string): Failure {
  return new Failure('InvalidOptions', message);
}
