// What SQLite or the file system answers when it fails, said so that a developer knows what to do.
import { Failure } from '@godwit/core';

const notAllowed = 'it may not be written; does this process own the file and its folder?';
const restore = 'restore it from a copy, or move it away to begin as a new device';

/** SQLite's primary result codes (sqlite.org/rescode.html), and what each means here. */
const sentences: Readonly<Record<number, string>> = {
  5: 'it is locked: another process, or another thread of this one, has it open. A file is one process’s at a time: end the other, or give this one a `file` of its own',
  8: notAllowed,
  10: 'the disk does not answer as it should',
  11: `it is damaged; ${restore}`,
  13: 'the disk is full; nothing was stored. Make room, and it goes on by itself',
  14: 'the file cannot be opened; does its folder exist, and may this process write there?',
  26: 'it is not a database; move it away, or name another `file`',
};

/** The file system's own (errno(3)). */
const systemSentences: Readonly<Record<string, string>> = {
  EACCES: notAllowed,
  EPERM: notAllowed,
  EROFS: notAllowed,
  ENOSPC: 'the disk is full; make room',
};

/** What SQLite or the file system threw, as a failure; `what` says what was tried. */
export function storageFailure(what: string, error: unknown): Failure {
  if (error instanceof Failure) return error;
  const said = error instanceof Error ? error.message : String(error);
  return new Failure('StorageFailed', `could not ${what}: ${sentenceOf(error) ?? said}`, { cause: error });
}

/** The file is there, and is not what it should be. */
export function damaged(file: string, found: string): Failure {
  return new Failure('StorageFailed', `could not open ${file}: it is damaged (${found}); ${restore}`);
}

function sentenceOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  // The primary code is the lowest byte of what node:sqlite calls `errcode`.
  if ('errcode' in error) return sentences[Number(error.errcode) & 0xff];
  return 'code' in error ? systemSentences[String(error.code)] : undefined;
}
