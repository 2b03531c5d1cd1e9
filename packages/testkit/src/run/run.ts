// Runs stages one after the other, stops at the first that fails, and closes with how many tests passed and failed.
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../house/tree.ts';
import { add, type Counts, noCounts, readCounts } from './counts.ts';
import type { Stage } from './stages.ts';

/** Long enough for the slowest stage on two slow cores; a stage that hangs must not hang the whole build. */
const stageMsMax = 20 * 60 * 1000;

/** How a run went. */
export interface Outcome {
  readonly ok: boolean;
  readonly counts: Counts;
}

/** Runs the stages. A check without tests that fails counts as one failed; when it passes it counts nothing. */
export async function run(stages: readonly Stage[], write: (line: string) => void): Promise<Outcome> {
  let counts = noCounts;
  for (const stage of stages) {
    write(`\n── ${stage.name}`);
    const begun = performance.now();
    if (stage.report !== undefined) rmSync(stage.report.file, { force: true });
    const ok = (await execute(stage)) === 0;
    const ran = stage.report === undefined ? undefined : readCounts(stage.report.by, stage.report.file);
    if (stage.report !== undefined) rmSync(stage.report.file, { force: true });
    counts = add(counts, ran ?? noCounts);
    write(`── ${stage.name}: ${ok ? 'passed' : 'FAILED'} in ${((performance.now() - begun) / 1000).toFixed(1)} s`);
    if (ok && (ran === undefined) !== (stage.report === undefined)) {
      write(`── ${stage.name} left no report of its tests`);
      return { ok: false, counts: add(counts, { passed: 0, failed: 1 }) };
    }
    if (!ok)
      return { ok, counts: ran === undefined || ran.failed === 0 ? add(counts, { passed: 0, failed: 1 }) : counts };
  }
  return { ok: true, counts };
}

/** The line that a run ends with. */
export function closingLine({ passed, failed }: Counts): string {
  return `${passed} passed, ${failed} failed`;
}

function execute({ command: [program, ...args], env }: Stage): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...quiet, ...quick, ...env },
      timeout: stageMsMax,
    });
    child.once('error', (error) => {
      process.stderr.write(`${program} did not start: ${error.message}; was \`npm ci\` run?\n`);
      resolve(1);
    });
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/** No tool calls home, and none asks a question. */
const quiet = {
  TURBO_TELEMETRY_DISABLED: '1',
  DO_NOT_TRACK: '1',
  WRANGLER_SEND_METRICS: 'false',
  CI: process.env['CI'] ?? 'true',
};

/** Node keeps here what it has compiled, by what the code is: a relay starts in half the time. It goes with what was installed. */
const quick = { NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'node') };
