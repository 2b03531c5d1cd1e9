// Folders and files that are made where they are missing.
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a folder, and those above it. Node's own `recursive` never ends where a file system makes none, as `/proc`: it takes the
 * refusal for a parent that is missing, makes sure of that, and tries again.
 *
 * @throws Error what the file system says
 */
export function makeFolder(path: string): void {
  const parent = dirname(path);
  // The last of these is a drive that is not there.
  if (existsSync(path) || parent === path) return;
  makeFolder(parent);
  try {
    mkdirSync(path);
  } catch (error) {
    // Somebody else may have made it meanwhile.
    if (!existsSync(path)) throw error;
  }
}

/** What a relay holds is for whoever has a token, and the secrets of webhooks are for nobody: its owner alone may read it. */
export const privateMode = 0o600;

/** Makes an empty file of that mode, which SQLite gives to those that it keeps beside it, too. One that is there stays as it is. */
export function makePrivateFile(path: string): void {
  try {
    if (!existsSync(path)) closeSync(openSync(path, 'a', privateMode));
  } catch {
    // Whoever opens it is told why it cannot be had.
  }
}
