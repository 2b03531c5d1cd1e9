// `npm run relay -- --port 8787 --data DIR --insecure`: one line on stdout when it is ready, logs on stderr.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Failure, toFailure } from '@godwit/core';
import { secretBytesMin } from '../authority/secret.ts';
import { stderrLogger } from './log.ts';
import { startRelay, type RelayOptions } from './relay.ts';
import { version } from './version.ts';

const usage = `godwit relay ${version}
  --port N           the port, 0 for any that is free (8787)
  --host HOST        where to listen (127.0.0.1)
  --data DIR         the folder of its file (.data)
  --secret-file F    the key that tokens are signed with by HS256
  --insecure         no key: open to all who reach it
  --durability WHAT  fsync: an acknowledged event survives the loss of power; os: of the process (fsync)
  --cors ORIGIN      pages of this origin may use it; may be repeated; * is any
  --assets DIR       serve the files of a folder, too
`;

async function main(): Promise<void> {
  const options = readOptions();
  if (options === undefined) return void process.stdout.write(usage);
  // Before the line that says it is ready: whoever reads that may ask it to end at once.
  const asked = askedToEnd();
  const relay = await startRelay(options);
  process.stdout.write(`godwit relay ${relay.url}\n`);
  await asked;
  await relay.close();
  process.exit(0);
}

/** Resolves when the process is told to end. */
function askedToEnd(): Promise<void> {
  return new Promise((resolve) => {
    let isEnding = false;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        // Asked twice is asked in haste.
        if (isEnding) process.exit(1);
        isEnding = true;
        resolve();
      });
    }
  });
}

/** Who reads its log may go away, and with them nothing but the log: an error that nobody handles would end the relay. */
function outliveItsReaders(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}

function readOptions(): RelayOptions | undefined {
  const values = parse();
  if (values.help === true) return undefined;
  const { host, data, durability } = values;
  const port = Number(values.port);
  if (!/^\d{1,5}$/.test(values.port) || port > 65_535)
    throw invalid(`--port is a number from 0 to 65535; got ${values.port}`);
  if (durability !== 'fsync' && durability !== 'os') throw invalid(`--durability is fsync or os; got ${durability}`);
  const secretFile = values['secret-file'];
  if (secretFile !== undefined && values.insecure === true)
    throw invalid('--secret-file and --insecure exclude each other');
  return {
    port,
    host,
    data,
    durability,
    ...(values.insecure === true ? { insecure: true } : {}),
    ...(secretFile === undefined ? {} : { secret: readSecret(secretFile) }),
    ...(values.cors === undefined ? {} : { cors: values.cors.includes('*') ? 'any' : values.cors }),
    ...(values.assets === undefined ? {} : { assets: values.assets }),
  };
}

function parse() {
  try {
    return parseArgs({
      options: {
        port: { type: 'string', default: '8787' },
        host: { type: 'string', default: '127.0.0.1' },
        data: { type: 'string', default: '.data' },
        'secret-file': { type: 'string' },
        insecure: { type: 'boolean' },
        durability: { type: 'string', default: 'fsync' },
        cors: { type: 'string', multiple: true },
        assets: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw invalid(`${error instanceof Error ? error.message : ''}; --help lists the options`);
  }
}

function readSecret(path: string): Uint8Array {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw invalid(`cannot read --secret-file ${path}: ${error instanceof Error ? error.message : ''}`);
  }
  // Editors and `echo` end a file with a line break, which is no part of the key.
  const secret = new TextEncoder().encode(text.replace(/\r?\n$/, ''));
  if (secret.length === 0) throw invalid(`--secret-file ${path} is empty`);
  if (secret.length < secretBytesMin) {
    const message = `the key has ${secret.length} bytes; HS256 wants ${secretBytesMin} or more (RFC 7518, section 3.2)`;
    stderrLogger.warn(message);
  }
  return secret;
}

function invalid(message: string): Failure {
  return new Failure('InvalidOptions', message);
}

function fail(error: unknown): never {
  const { name, message } = toFailure(error);
  stderrLogger.error(message, { name });
  process.exit(1);
}

outliveItsReaders();
main().catch(fail);
