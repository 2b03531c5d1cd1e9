// What stands behind a command: read, or refused in one sentence.
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { invalid } from './key-file.ts';

type Options = NonNullable<ParseArgsConfig['options']>;

/**
 * Reads a command's options.
 *
 * @param help which `--help` lists them
 * @throws Failure `InvalidOptions` for one that the command does not have, or that is empty
 */
export function readArguments<const Known extends Options>(
  args: readonly string[],
  options: Known,
  help: string,
): ReturnType<typeof parseArgs<{ args: string[]; options: Known }>>['values'] {
  const values = parse(args, options, help);
  // As `--host "$HOST"` says it where there is no such variable: it would listen everywhere, or write into whatever folder this is.
  const empty = Object.entries(values).find(([, value]) => [value].flat().includes(''));
  if (empty !== undefined) throw invalid(`--${empty[0]} is empty`);
  return values;
}

function parse<const Known extends Options>(args: readonly string[], options: Known, help: string) {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    // Node's advice comes in lines of its own.
    const why = error instanceof Error ? error.message.replaceAll('\n', ' ') : '';
    throw invalid(`${why}; ${help} lists the options`);
  }
}
