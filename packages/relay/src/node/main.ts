// `npm run relay -- --port 8787 --data DIR --insecure`: one line on stdout when it is ready, logs on stderr.
import { toFailure } from '@godwit/core';
import { backupCommand, restoreCommand } from './backup-command.ts';
import { stderrLogger } from './log.ts';
import { readOptions } from './options.ts';
import { startRelay } from './relay.ts';
import { tokenCommand } from './token-command.ts';

/** What it does beside serving. */
const commands = new Map<string, (args: readonly string[]) => Promise<string>>([
  ['token', tokenCommand],
  ['backup', backupCommand],
  ['restore', restoreCommand],
]);

async function main([command, ...rest]: readonly string[]): Promise<void> {
  const other = command === undefined ? undefined : commands.get(command);
  if (other !== undefined) return void process.stdout.write(await other(rest));
  const options = readOptions();
  if (typeof options === 'string') return void process.stdout.write(options);
  // Before the line that says it is ready: whoever reads that may ask it to end at once.
  const asked = askedToEnd();
  const relay = await startRelay({ ...options, ownsProcess: true });
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

function fail(error: unknown): never {
  const { name, message } = toFailure(error);
  stderrLogger.error(message, { name });
  process.exit(1);
}

outliveItsReaders();
main(process.argv.slice(2)).catch(fail);
