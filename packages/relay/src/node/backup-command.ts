// `npm run relay --silent -- backup --url URL --to FILE`, and `restore --from FILE --data DIR`.
import { constants, createWriteStream, existsSync } from 'node:fs';
import { chmod, copyFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Failure, toFailure } from '@godwit/core';
import { failureOfAnswer } from '@godwit/core/protocol';
import { readArguments } from './arguments.ts';
import { copyDatabase } from './backup.ts';
import { makeFolder, makePrivateFile, privateMode } from './folder.ts';
import { invalid, readKeyFile } from './key-file.ts';
import { assertWhole, fileIn, storageFailure } from './sqlite/database.ts';

const backupUsage = `godwit relay backup: copies all that a relay holds into one file
  --url URL           of a relay that runs, and goes on meanwhile
  --token-file F      holds a token that may manage all channels ("manage": ["*"])
  --data DIR          or the folder of one that does not run
  --to FILE           the copy; a file that is not there yet
`;
const backupOptions = {
  url: { type: 'string' },
  'token-file': { type: 'string' },
  data: { type: 'string' },
  to: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;
const restoreUsage = `godwit relay restore: puts a copy in a folder, for a relay to be started on
  --from FILE         what backup has written
  --data DIR          the folder, which has no file of a relay's yet
A relay that is started on a copy begins new epochs: readers are told of a gap, and publish and read on.
`;

const restoreOptions = {
  from: { type: 'string' },
  data: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

/**
 * Makes a backup. Answers what is to be written to stdout.
 *
 * @throws Failure `InvalidOptions`, or why it could not be made; then there is no file
 */
export async function backupCommand(args: readonly string[]): Promise<string> {
  const { url, data, to, help, 'token-file': tokenFile } = readArguments(args, backupOptions, 'backup --help');
  if (help === true) return backupUsage;
  if (to === undefined) throw invalid('--to names the file to write');
  if ((url === undefined) === (data === undefined)) throw invalid('one of --url and --data says of which relay');
  if (existsSync(to)) throw invalid(`${to} is there already; name another file`);
  // Only what is whole has the name that was asked for.
  const part = `${to}.part`;
  await rm(part, { force: true });
  try {
    const token = tokenFile === undefined ? undefined : readKeyFile('--token-file', tokenFile);
    if (data !== undefined) await copyFolder(data, part);
    else await download(url ?? '', token, part);
    await rename(part, to);
  } catch (error) {
    await rm(part, { force: true });
    throw storageFailure(error, `cannot write ${to}`);
  }
  return `${to}\n`;
}

/**
 * Puts a backup where a relay finds it.
 *
 * @throws Failure `InvalidOptions`, `StorageFailed`; then nothing was changed, but a folder may have been made
 */
export async function restoreCommand(args: readonly string[]): Promise<string> {
  const { from, data, help } = readArguments(args, restoreOptions, 'restore --help');
  if (help === true) return restoreUsage;
  if (from === undefined || data === undefined) throw invalid('--from names the copy, and --data the folder');
  assertCopy(from);
  const path = fileIn(data);
  // Also what SQLite keeps beside it, which belongs to the file that was there.
  const inTheWay = ['', '-wal', '-shm'].map((end) => `${path}${end}`).find((each) => existsSync(each));
  if (inTheWay !== undefined) throw invalid(`${inTheWay} is in the way; move it away, or name another --data folder`);
  const part = join(data, 'godwit.restore');
  try {
    makeFolder(data);
    await copyFile(from, part, constants.COPYFILE_FICLONE);
    await chmod(part, privateMode);
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw storageFailure(error, `cannot write ${path}`);
  }
  return `${path}\n`;
}

async function download(url: string, token: string | undefined, path: string): Promise<void> {
  const where = URL.parse('/v1/backup', url);
  if (where?.protocol !== 'http:' && where?.protocol !== 'https:') {
    throw invalid(`--url is http://… or https://…; got ${JSON.stringify(url)}`);
  }
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(where, { headers, redirect: 'error' }).catch((error: unknown) => {
    // `fetch` says that it failed, and its cause says why.
    const cause = error instanceof Error ? error.cause : undefined;
    const why = toFailure(cause ?? error).message;
    throw new Failure('Unreachable', `no relay answers at ${url}: ${why}`, { cause: error });
  });
  if (!response.ok || response.body === null) {
    const body: unknown = await response.json().catch(() => undefined);
    const { name, message } = failureOfAnswer(response.status, body, response.headers.get('retry-after'));
    const hint = name === 'Unauthenticated' ? ' (--token-file names a file that holds one)' : '';
    throw new Failure(name, `no copy was made: ${message}${hint}`);
  }
  const file = createWriteStream(path, { flags: 'wx', flush: true, mode: privateMode });
  await pipeline(Readable.from(response.body), file);
  if (String(file.bytesWritten) !== response.headers.get('content-length')) {
    throw new Failure('Unreachable', `the copy broke off after ${file.bytesWritten} bytes; try again`);
  }
}

async function copyFolder(data: string, path: string): Promise<void> {
  const source = fileIn(data);
  if (!existsSync(source)) throw invalid(`there is no relay's file in ${data}`);
  // Not read-only: what a relay that was killed has left beside the file is put into it first.
  const database = openFile(source, { isOwn: true, hint: 'if a relay runs on it, ask that one: --url' });
  try {
    makePrivateFile(path);
    await copyDatabase(database, path);
  } finally {
    database.close();
  }
}

function assertCopy(path: string): void {
  if (!existsSync(path)) throw invalid(`there is no ${path}`);
  const database = openFile(path, { isOwn: false, hint: 'is it a copy that backup has made?' });
  try {
    const made = database.prepare("SELECT 1 FROM meta WHERE key = 'copy'").get();
    if (made === undefined) throw invalid(`${path} is no copy that backup has made`);
    // However large: what is put in place damaged is found out when the copies that were whole are gone.
    assertWhole(database, path, 'take another copy');
  } catch (error) {
    throw storageFailure(error, `cannot read ${path}`, false);
  } finally {
    database.close();
  }
}

/** Opens a relay's own file, or a copy, which is read only. */
function openFile(path: string, { isOwn, hint }: { readonly isOwn: boolean; readonly hint: string }): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    const opened = new DatabaseSync(path, { readOnly: !isOwn });
    database = opened;
    opened.prepare('SELECT value FROM meta').all();
    return opened;
  } catch (error) {
    database?.close();
    const { message } = storageFailure(error, `cannot read ${path}`, isOwn);
    throw new Failure('StorageFailed', `${message} (${hint})`, { cause: error });
  }
}
