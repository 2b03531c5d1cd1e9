#!/usr/bin/env node
// `godwit relay …` serves; `godwit token`, `godwit relay backup`, `restore` and `moved` are what one needs beside it.
import { readFileSync } from 'node:fs';
import process from 'node:process';

/** Older ones lack what the relay stands on, as `node:sqlite`, and would say so in their own words. */
const nodeMajorMin = 24;

const usage = `godwit: an event runtime for the browser and the edge
  godwit relay             runs a relay; --help lists its options
  godwit relay backup      copies all that a relay holds, while it runs
  godwit relay restore     puts such a copy in place
  godwit relay moved       says that a relay's folder was moved, and is no copy
  godwit token             mints a token for development, as \`godwit relay token\` does
  godwit --version         says which release this is
`;

const [command, ...rest] = process.argv.slice(2);
if (command === 'relay') await run(rest);
else if (command === 'token') await run(['token', ...rest]);
else if (command === '--version' || command === '-v') process.stdout.write(`${version()}\n`);
else if (command === undefined || command === '--help' || command === '-h') process.stdout.write(usage);
else refuse(`godwit does not know ${command}\n${usage}`, 2);

async function run(args: readonly string[]): Promise<void> {
  if (Number.parseInt(process.versions.node, 10) < nodeMajorMin) {
    refuse(`godwit needs Node ${nodeMajorMin} or newer, and this is ${process.version}\n`, 1);
    return;
  }
  const { runRelayCommand } = await import('@godwit/relay/node');
  runRelayCommand(args);
}

/** As package.json says, which lies beside the folder of the source and of what is built of it. */
function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown';
}

function refuse(why: string, code: number): void {
  process.stderr.write(why);
  process.exitCode = code;
}
