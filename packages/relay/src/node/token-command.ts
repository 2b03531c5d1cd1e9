// `npm run relay --silent -- token --secret-file F --subscribe 'room:*'`: a token for development, and nothing else on stdout.
import { worldOf } from '@godwit/core';
import { mintToken, signingKey, type Signing } from '../authority/mint.ts';
import { readArguments } from './arguments.ts';
import { isChannelPattern } from './channel-pattern.ts';
import { invalid, readKeyFile } from './key-file.ts';

const usage = `godwit relay token: a token for development, on stdout
  --secret-file F       the secret that signs it by HS256
  --private-key-file F  or the private key (PEM of PKCS #8, or a JWK) that signs it by RS256, ES256 or EdDSA
  --publish PATTERN     channels that it may publish to, as room:*; may be repeated
  --subscribe PATTERN   channels that it may read; may be repeated
  --manage PATTERN      channels that it may remove, and whose webhooks it may change; '*' makes backups, too; may be repeated
  --expires TIME        how long it counts, as 30s, 15m, 1h, 7d (1h)
  --issuer ISS, --audience AUD, --subject SUB, --key-id KID
`;

const known = {
  'secret-file': { type: 'string' },
  'private-key-file': { type: 'string' },
  publish: { type: 'string', multiple: true },
  subscribe: { type: 'string', multiple: true },
  manage: { type: 'string', multiple: true },
  expires: { type: 'string', default: '1h' },
  issuer: { type: 'string' },
  audience: { type: 'string' },
  subject: { type: 'string' },
  'key-id': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

const secondsPer: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/**
 * Mints the token that the arguments ask for. Answers what is to be written.
 *
 * @throws Failure `InvalidOptions`
 */
export async function tokenCommand(args: readonly string[]): Promise<string> {
  const values = readArguments(args, known, 'token --help');
  const { help, publish, subscribe, manage, expires, issuer, audience, subject, ...files } = values;
  if (help === true) return usage;
  const signing = await readSigning(files['secret-file'], files['private-key-file'], files['key-id']);
  if ((publish ?? subscribe ?? manage) === undefined) {
    throw invalid('a token allows what it lists, and this one would allow nothing: --publish, --subscribe or --manage');
  }
  assertPatterns({ publish, subscribe, manage });
  const now = Math.floor(worldOf(globalThis).now() / 1000);
  const claims = { iss: issuer, aud: audience, sub: subject, publish, subscribe, manage };
  return `${await mintToken(signing, { ...claims, iat: now, exp: now + secondsOf(expires) })}\n`;
}

/** A token with a pattern that no channel has, as `a,b`, would be refused by the relay much later, for want of a right. */
function assertPatterns(claims: Readonly<Record<string, readonly string[] | undefined>>): void {
  for (const [name, patterns = []] of Object.entries(claims)) {
    const wrong = patterns.find((pattern) => !isChannelPattern(pattern));
    if (wrong !== undefined) {
      throw invalid(`--${name} is a channel, or a pattern as room:*, and is repeated for several; got ${wrong}`);
    }
  }
}

function readSigning(
  secret: string | undefined,
  privateKey: string | undefined,
  kid: string | undefined,
): Promise<Signing> {
  if ((secret === undefined) === (privateKey === undefined)) {
    throw invalid('a token is signed with one key: --secret-file F or --private-key-file F');
  }
  const text = readKeyFile(secret === undefined ? '--private-key-file' : '--secret-file', secret ?? privateKey ?? '');
  return signingKey(text, { isSecret: secret !== undefined, kid });
}

function secondsOf(text: string): number {
  const [, number = '', unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const seconds = Number(number) * (secondsPer[unit] ?? 0);
  if (seconds > 0) return seconds;
  throw invalid(`--expires is a number and a unit, as 30s, 15m, 1h or 7d; got ${text}`);
}
