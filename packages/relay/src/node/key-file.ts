// Keys that stand in files.
import { readFileSync } from 'node:fs';
import { Failure } from '@godwit/core';

/**
 * Reads a key's file.
 *
 * @param option what named it on the command line
 * @throws Failure `InvalidOptions`
 */
export function readKeyFile(option: string, path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw invalid(`cannot read ${option} ${path}: ${error instanceof Error ? error.message : ''}`);
  }
  // Editors and `echo` end a file with a line break, which is no part of the key.
  const key = text.replace(/\r?\n$/, '');
  if (key === '') throw invalid(`${option} ${path} is empty`);
  return key;
}

/** What is wrong with the command line. */
export function invalid(message: string): Failure {
  return new Failure('InvalidOptions', message);
}
