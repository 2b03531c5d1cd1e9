// Who makes the load: our own process, or `ssebench` of `--tools`, which is in C and so can read faster than we write.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { payloadBytes, type Burst, type Generator, type Outcome, type Target } from './burst.ts';
import { loadCore, startOn } from './processes.ts';

/** The generator of `--tools`, or our own. */
export function generatorOf(tools: string | undefined): { readonly name: string; readonly generate: Generator } {
  const file = tools === undefined ? '' : join(tools, 'ssebench');
  return existsSync(file)
    ? { name: 'ssebench', generate: (target, burst) => runTool(file, target, burst) }
    : { name: 'our own', generate: runOwn };
}

async function runOwn(target: Target, burst: Burst): Promise<Outcome> {
  const text = JSON.stringify([target, burst]);
  return JSON.parse(await outputOf(process.execPath, [join(import.meta.dirname, 'load.ts'), text])) as Outcome;
}

/** What the tool is told of each workload; more events than any burst has time for. */
const endless = '1000000';
function flagsOf({ workload, seconds }: Burst): readonly string[] {
  switch (workload.kind) {
    case 'one at a time':
      return ['-l', '1', '-D', String(seconds), '-m', endless];
    case 'pipelined':
      return ['-k', String(workload.publishers), '-D', String(seconds), '-m', endless];
    case 'batches':
      return ['-b', String(workload.events), '-B', 'json', '-D', String(seconds), '-m', endless];
    case 'rate':
      return ['-r', String(workload.perSecond), '-m', String(workload.perSecond * seconds)];
    case 'idle':
      return ['-m', '1'];
    default:
      return workload satisfies never;
  }
}

/** What it prints, as far as it is used here. */
type Printed = Readonly<
  Record<
    | 'deliveries'
    | 'lost'
    | 'dup'
    | 'errors'
    | 'dead'
    | 'wall'
    | 'cpu'
    | 'other_cores'
    | 'ack_p50'
    | 'ack_p99'
    | 'e2e_p50'
    | 'e2e_p99'
    | 'rss_conn',
    number
  >
>;

async function runTool(file: string, target: Target, burst: Burst): Promise<Outcome> {
  const { port, pid, subscribePath, publishPath, subscribeHeaders, publishHeaders, template } = target;
  const output = await outputOf(file, [
    '-q',
    `-p${port}`,
    `-x${pid}`,
    `-n${burst.readers}`,
    `-z${payloadBytes}`,
    `-s${subscribePath}`,
    `-c${publishPath}`,
    `-J${template}`,
    ...subscribeHeaders.flatMap((header) => ['-S', header]),
    ...publishHeaders.flatMap((header) => ['-P', header]),
    ...flagsOf(burst),
  ]);
  const printed = JSON.parse(output) as Printed;
  return {
    deliveries: printed.deliveries,
    wrong: printed.lost + printed.dup + printed.errors + printed.dead,
    seconds: printed.wall,
    cpuSeconds: printed.cpu,
    otherCores: printed.other_cores,
    ackP50Us: printed.ack_p50,
    ackP99Us: printed.ack_p99,
    deliveredP50Us: printed.e2e_p50,
    deliveredP99Us: printed.e2e_p99,
    bytesPerReader: printed.rss_conn,
  };
}

async function outputOf(command: string, args: readonly string[]): Promise<string> {
  const child = startOn(loadCore, command, args);
  let text = '';
  for await (const chunk of child.stdout ?? []) text += String(chunk);
  const line = text.trim().split('\n').at(-1) ?? '';
  if (!line.startsWith('{')) throw new Error(`the load generator ended without a result: ${text}`);
  return line;
}
