// Standard Webhooks: what a receiver checks, so that nobody else can tell it of events.
import { Failure, type World } from '@godwit/core';
import { mediaTypes } from '@godwit/core/protocol';
import { Webhook } from 'standardwebhooks';
import type { WebhookRecord } from './types.ts';

/** What a secret begins with (Standard Webhooks, "Signature scheme"). */
export const secretPrefix = 'whsec_';
/** The specification asks for 24 to 64 bytes. */
const secretBytesMin = 24;
const secretBytesMax = 64;

/** A new secret. */
export function createSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return `${secretPrefix}${btoa(String.fromCharCode(...bytes))}`;
}

/**
 * Checks a secret.
 *
 * @throws Failure `InvalidRequest`
 */
export function assertSecret(secret: string): string {
  const base64 = secret.slice(secretPrefix.length);
  const isBase64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(base64);
  const bytes = isBase64 ? atob(base64).length : 0;
  if (secret.startsWith(secretPrefix) && bytes >= secretBytesMin && bytes <= secretBytesMax) return secret;
  throw new Failure(
    'InvalidRequest',
    `\`secret\` is "${secretPrefix}" and the base64 of ${secretBytesMin} to ${secretBytesMax} bytes; leave it out, and one is made`,
  );
}

/**
 * The headers of a delivery, signed now by the secret, and by the one before while that still counts. `id` stays the same
 * however often an event is sent: its receiver knows by it what it has had.
 */
export function signedHeaders(
  { secret, previous }: Pick<WebhookRecord, 'secret' | 'previous'>,
  message: { readonly id: string; readonly body: string },
  world: Pick<World, 'now'>,
): Record<string, string> {
  const now = world.now();
  const secrets = previous !== null && now < previous.until ? [secret, previous.secret] : [secret];
  const at = new Date(now);
  return {
    'content-type': mediaTypes.event,
    'webhook-id': message.id,
    'webhook-timestamp': String(Math.floor(now / 1000)),
    'webhook-signature': secrets.map((its) => new Webhook(its).sign(message.id, at, message.body)).join(' '),
  };
}
