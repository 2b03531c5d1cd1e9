// `npm run relay --silent -- moved --data DIR`: what no file system can tell, a person may: that a copy is the newest there is.
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { toFailure } from '@godwit/core';
import { readArguments } from './arguments.ts';
import { invalid } from './key-file.ts';
import { fileIn, storageFailure } from './sqlite/database.ts';
import { strangerAt, writePlace } from './sqlite/mark.ts';

const usage = `godwit relay moved: says that a folder was moved, all of it, after its relay had ended for good
  --data DIR          where the folder is now; no relay was started on it there yet
A relay that is started on it then goes on in the epochs that readers know. Without this it takes the folder for a copy that
may be older than what readers had, and begins new ones.
`;

const known = { data: { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const;

/**
 * Lets a relay's file be at home where it is. Answers what is to be written to stdout.
 *
 * @throws Failure `InvalidOptions` where there is none, or an older one, `StorageFailed` where a relay runs on it; then nothing was changed
 */
export async function movedCommand(args: readonly string[]): Promise<string> {
  const { data, help } = readArguments(args, known, 'moved --help');
  if (help === true) return usage;
  if (data === undefined) throw invalid('--data names the folder');
  const path = fileIn(data);
  if (!existsSync(path)) throw invalid(`there is no relay's file in ${data}`);
  const database = new DatabaseSync(path);
  try {
    if (strangerAt(path, database) === 'replaced') {
      throw invalid(`${path} is not the file that the relay has left there; move all of its folder, as it was last`);
    }
    writePlace(database, path);
    return `${path}\n`;
  } catch (error) {
    throw storageFailure(toFailure(error).cause ?? error, `cannot write ${path}`);
  } finally {
    database.close();
  }
}
