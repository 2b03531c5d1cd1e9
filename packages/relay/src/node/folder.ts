// Folders that are made where they are missing.
import { existsSync, mkdirSync } from 'node:fs';
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
