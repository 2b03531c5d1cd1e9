// What the command line says of how a relay is run.
import { secretBytesMin } from '../authority/keys.ts';
import { readArguments } from './arguments.ts';
import { readLimits, readRetention } from './bounds-options.ts';
import { invalid, readKeyFile } from './key-file.ts';
import { stderrLogger } from './log.ts';
import type { RelayOptions } from './relay.ts';
import { version } from './version.ts';

const usage = `godwit relay ${version}
  --port N             the port, 0 for any that is free (8787)
  --host HOST          where to listen (127.0.0.1)
  --data DIR           the folder of its file (.data)
  --durability WHAT    fsync: an acknowledged event survives the loss of power; os: of the process (fsync)
  --cors ORIGIN        pages of this origin may use it; may be repeated; * is any
  --assets DIR         serve the files of a folder, too
  --retention RULE     what channels keep, as 'room:*=1h,10000,64MB'; may be repeated: the first that matches decides
  --limit NAME=NUMBER  another limit than the defaults of PROTOCOL.md, rule 10; may be repeated
  --allow-private-webhooks
                       webhooks may go to private addresses, to this machine, and over plain HTTP
  --mqtt FILE          bridges channels and topics of an MQTT broker, as the JSON in this file says; needs the package mqtt
  --nats FILE          shares the channels with other relays by NATS JetStream, as the JSON in this file says; needs NATS's client
  --proxy ADDRESS      a proxy in front of it, whose connections are those of many clients; may be repeated (127.0.0.1, ::1)

who may use it, one of
  --secret-file F      whoever has a token signed by HS256 with the secret in this file
  --public-key-file F  … by RS256, ES256 or EdDSA, verified with this PEM, JWK or JWK Set
  --jwks-url U         … verified with the JWK Set that the tokens' issuer publishes here
  --insecure           all who reach it
and of a token
  --issuer ISS         its "iss" is this; may be repeated: one of these
  --audience AUD       its "aud" is this, or has it; may be repeated: one of these
  --token-in-query     ?access_token= may hold it, too; URLs are logged

godwit relay token --help mints a token
godwit relay backup --help copies all that a relay holds, while it runs
godwit relay restore --help puts such a copy in place
godwit relay moved --help says that a folder was moved, and is no copy
`;

const known = {
  port: { type: 'string', default: '8787' },
  host: { type: 'string', default: '127.0.0.1' },
  data: { type: 'string', default: '.data' },
  'secret-file': { type: 'string' },
  'public-key-file': { type: 'string' },
  'jwks-url': { type: 'string' },
  insecure: { type: 'boolean' },
  issuer: { type: 'string', multiple: true },
  audience: { type: 'string', multiple: true },
  'token-in-query': { type: 'boolean' },
  durability: { type: 'string', default: 'fsync' },
  cors: { type: 'string', multiple: true },
  assets: { type: 'string' },
  retention: { type: 'string', multiple: true },
  limit: { type: 'string', multiple: true },
  'allow-private-webhooks': { type: 'boolean' },
  mqtt: { type: 'string' },
  nats: { type: 'string' },
  proxy: { type: 'string', multiple: true },
  help: { type: 'boolean', short: 'h' },
} as const;

/** What the command line says: a bridge's options, and a cluster's, are what only its own code understands. */
export interface ReadOptions extends RelayOptions {
  readonly mqtt?: unknown;
  readonly nats?: unknown;
}

/**
 * Reads the options; the usage, where that was asked for.
 *
 * @throws Failure `InvalidOptions`
 */
export function readOptions(args: readonly string[]): ReadOptions | string {
  const values = readArguments(args, known, '--help');
  if (values.help === true) return usage;
  const { host, data, durability, issuer, audience } = values;
  const port = Number(values.port);
  if (!/^\d{1,5}$/.test(values.port) || port > 65_535)
    throw invalid(`--port is a number from 0 to 65535; got ${values.port}`);
  if (durability !== 'fsync' && durability !== 'os') throw invalid(`--durability is fsync or os; got ${durability}`);
  return {
    port,
    host,
    data,
    durability,
    ...readAccess(values),
    issuer,
    audience,
    tokenInQuery: values['token-in-query'],
    ...(values.cors === undefined ? {} : { cors: values.cors.includes('*') ? 'any' : values.cors }),
    limits: readLimits(values.limit ?? []),
    retention: readRetention(values.retention ?? []),
    allowPrivateWebhooks: values['allow-private-webhooks'],
    proxies: values.proxy,
    ...(values.mqtt === undefined ? {} : { mqtt: readJson('--mqtt', values.mqtt) }),
    ...(values.nats === undefined ? {} : { nats: readJson('--nats', values.nats) }),
    ...(values.assets === undefined ? {} : { assets: values.assets }),
  };
}

function readAccess(
  values: ReturnType<typeof readArguments<typeof known>>,
): Pick<RelayOptions, 'insecure' | 'secret' | 'publicKey' | 'jwksUrl'> {
  const { 'secret-file': secretFile, 'public-key-file': publicKeyFile, 'jwks-url': jwksUrl, insecure } = values;
  const said = Object.entries({
    '--secret-file': secretFile,
    '--public-key-file': publicKeyFile,
    '--jwks-url': jwksUrl,
    '--insecure': insecure,
  }).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  // Before any file is read: the mistake is this one, whatever else is wrong.
  if (said.length > 1) throw invalid(`${said.join(' and ')} exclude each other`);
  return {
    insecure,
    secret: secretFile === undefined ? undefined : readSecret(secretFile),
    publicKey: publicKeyFile === undefined ? undefined : readKeyFile('--public-key-file', publicKeyFile),
    jwksUrl,
  };
}

/** A file, since a password stands in it: command lines are seen by everybody on a machine. */
function readJson(option: string, path: string): unknown {
  try {
    return JSON.parse(readKeyFile(option, path));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw invalid(`${option} ${path} is not JSON: ${error.message}`);
  }
}

function readSecret(path: string): Uint8Array {
  const secret = new TextEncoder().encode(readKeyFile('--secret-file', path));
  if (secret.length < secretBytesMin) {
    const message = `the key has ${secret.length} bytes; HS256 wants ${secretBytesMin} or more (RFC 7518, section 3.2)`;
    stderrLogger.warn(message);
  }
  return secret;
}
