// The relay's command line: serves, mints tokens, makes and puts back backups, hears of moves. One line on stdout when it is ready,
// logs on stderr; who made a mistake is told so in a sentence.
import { setFlagsFromString } from 'node:v8';
import { toFailure } from '@godwit/core';
import { backupCommand, restoreCommand } from './backup-command.ts';
import { invalid } from './key-file.ts';
import { stderrLogger } from './log.ts';
import { movedCommand } from './moved-command.ts';
import { bridgesOf } from './mqtt-bridges.ts';
import { clusterOf } from './nats-cluster.ts';
import { readOptions } from './options.ts';
import { startRelay } from './relay.ts';
import { tokenCommand } from './token-command.ts';

/**
 * Keeps V8's space for what is new from growing to 16 MiB, twice, and more: a crowd that comes at once would leave it that large.
 * An idle connection takes half as much memory, and a delivery no more time than it did.
 */
const smallYoungSpace = '--semi-space-growth-factor=1';

/** What it does beside serving. */
const commands = new Map<string, (args: readonly string[]) => Promise<string>>([
  ['token', tokenCommand],
  ['backup', backupCommand],
  ['restore', restoreCommand],
  ['moved', movedCommand],
]);

/**
 * Runs the relay's command line, as `npm run relay` and `godwit relay` do, in a process that is its own: it serves until it
 * is told to end by SIGTERM or SIGINT, and exits the process; 0 when all went well, and behind a line on stderr that says why not, 2
 * where the arguments are wrong, 1 for anything else.
 *
 * @param args what stands behind the command: options, or `token`, `backup`, `restore`, `moved` and theirs
 */
export function runRelayCommand(args: readonly string[]): void {
  outliveItsReaders();
  run(args).catch((error: unknown) => fail(error, args));
}

async function run(args: readonly string[]): Promise<void> {
  const [command, ...rest] = args;
  const other = command === undefined ? undefined : commands.get(command);
  if (other !== undefined) return void process.stdout.write(await other(rest));
  if (command !== undefined && !command.startsWith('-')) {
    throw invalid(`relay has the commands ${[...commands.keys()].join(', ')}, and serves without one; got ${command}`);
  }
  const options = readOptions(args);
  if (typeof options === 'string') return void process.stdout.write(options);
  const { mqtt, nats, ...others } = options;
  const bridges = await bridgesOf(mqtt);
  const cluster = await clusterOf(nats);
  // Before the line that says it is ready: whoever reads that may ask it to end at once.
  const asked = askedToEnd();
  setFlagsFromString(smallYoungSpace);
  const relay = await startRelay({ ...others, bridges, cluster, ownsProcess: true });
  process.stdout.write(`godwit relay ${relay.url}\n`);
  await asked;
  await relay.close();
  process.exit(0);
}

/**
 * Resolves when the process is told to end. To be told so again hastens nothing: the end is bounded in time, and npm passes a signal
 * on that its whole group has had, as at Ctrl+C.
 */
function askedToEnd(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve());
  });
}

/** Who reads its log may go away, and with them nothing but the log: an error that nobody handles would end the relay. */
function outliveItsReaders(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}

function fail(error: unknown, [command = '']: readonly string[]): never {
  const { name, message } = toFailure(error);
  const isMistake = name === 'InvalidOptions';
  // For a person, a sentence; what a relay that was told all right says of itself is a line of its log.
  if (isMistake || commands.has(command)) process.stderr.write(`godwit: ${message}\n`);
  else stderrLogger.error(message, { name });
  process.exit(isMistake ? 2 : 1);
}
