// What `npm test` does, in order: the quick things first, so that a slip is told in seconds.
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One command, and where it leaves its counts if it runs tests. */
export interface Stage {
  readonly name: string;
  readonly command: readonly [program: string, ...args: string[]];
  /** The JSON report that the command writes, and who writes it. */
  readonly report?: { readonly by: 'vitest' | 'playwright'; readonly file: string };
  readonly env?: Readonly<Record<string, string>>;
}

/** Where a runner leaves its report. */
function reportFile(name: string): string {
  return join(tmpdir(), `godwit-${process.pid}-${name}.json`);
}

/** What end-to-end tests that wait for a real timeout have in their names. */
const slow = '@slow';

/** The stages of `npm test`. */
export function testStages(): readonly Stage[] {
  return [
    browser,
    { name: 'lint', command: ['oxlint', '--type-aware', '--deny-warnings'] },
    { name: 'format', command: ['oxfmt', '--check', '.'] },
    { name: 'typecheck', command: turbo('typecheck') },
    { name: 'unused files', command: ['knip', '--no-progress', '--include', 'files,unlisted,unresolved'] },
    compiled,
    ...vitest('unit and contract tests', '--reporter', 'default'),
    { name: 'build and package checks', command: turbo('build', 'check') },
    playwright('end to end', '--grep-invert', slow),
  ];
}

/** How often `npm run test:full` runs what depends on timing, behind the one of `npm test`; more took it beyond forty minutes. */
const rounds = 2;

/** The stages of `npm run test:full`: what depends on timing, again and again, and what takes long. */
export function fullStages(): readonly Stage[] {
  const shuffled = Array.from({ length: rounds }, (_, round) =>
    vitest(
      `unit and contract tests, shuffled, round ${round + 1} of ${rounds}`,
      '--sequence.shuffle.tests',
      `--sequence.seed=${round + 1}`,
      '--reporter',
      'dot',
    ),
  ).flat();
  return [
    browser,
    { name: 'build', command: turbo('build') },
    compiled,
    ...shuffled,
    { name: 'programs', command: programs('mosquitto', 'nats-server', 'nginx', 'caddy', 'systemd-analyze') },
    vitestBy('packages/relay/full.config.ts', 'tests beside programs of others', '--reporter', 'default'),
    simulation('simulation, 3,000 seeds', 'run.ts', '--seeds', '3000'),
    simulation('simulation, deliberate defects', 'mutants/run.ts', '--seeds', '500'),
    // Told apart by seed: what strikes is the same each time, and what meets what is not.
    { name: 'chaos, 60 s', command: ['npm', 'run', 'chaos', '--', '--seconds', '60', '--seed', '1'] },
    playwright(`end to end, ${rounds} times`, '--grep-invert', slow, '--repeat-each', String(rounds)),
    playwright('end to end, what takes long', '--grep', slow),
    { ...browser, name: 'second browser', command: [...browser.command, 'firefox'] },
    playwrightBy('firefox.config.ts', 'end to end, in Firefox'),
    { name: 'third browser', command: programs('WebKitWebDriver', 'Xvfb') },
    playwrightBy('webkit.config.ts', 'smoke test in WebKitGTK'),
    playwrightBy('bundlers.config.ts', 'the packed packages, by every bundler'),
  ];
}

const browser: Stage = { name: 'browser', command: ['node', 'packages/testkit/src/ensure-browser.ts'] };

/**
 * Loads what tests start by the hundred, the relay and a device, and ends well: only then Node keeps what it has compiled, and
 * most of those are killed.
 */
const compiled: Stage = {
  name: 'compiled code',
  command: [
    'node',
    '--conditions=@godwit/source',
    '--import=./packages/client/src/node/index.ts',
    'packages/relay/src/node/main.ts',
    '--help',
  ],
};

/**
 * How many milliseconds a test may take that says nothing of it: real processes, browsers and disks, on machines that do
 * other things too. It ends what hangs; it is no measure of speed.
 */
const testTimeoutMs = 30_000;

/**
 * Every project's tests: two files at a time on Node and in the browser, as two cores carry; one at a time on workerd, whose
 * runner hands one project's files to another's process when it has two.
 */
function vitest(name: string, ...args: readonly string[]): readonly Stage[] {
  const all = 'packages/testkit/src/all.ts';
  return [
    vitestBy(all, name, '--project', '!*/workerd', '--maxWorkers=2', ...args),
    vitestBy(all, `${name}, on workerd`, '--project', '*/workerd', '--maxWorkers=1', ...args),
  ];
}

function vitestBy(config: string, name: string, ...args: readonly string[]): Stage {
  const file = reportFile('vitest');
  const all = [
    'run',
    '--config',
    config,
    '--reporter',
    'json',
    `--outputFile.json=${file}`,
    `--testTimeout=${testTimeoutMs}`,
    `--hookTimeout=${testTimeoutMs}`,
  ];
  return { name, command: ['vitest', ...all, ...args], report: { by: 'vitest', file } };
}

function playwright(name: string, ...args: readonly string[]): Stage {
  return playwrightBy('playwright.config.ts', name, ...args);
}

function playwrightBy(config: string, name: string, ...args: readonly string[]): Stage {
  const file = reportFile('playwright');
  return {
    name,
    command: ['playwright', 'test', '--config', `e2e/${config}`, '--reporter', 'list,json', ...args],
    report: { by: 'playwright', file },
    env: { PLAYWRIGHT_JSON_OUTPUT_NAME: file },
  };
}

function simulation(name: string, file: string, ...args: readonly string[]): Stage {
  return { name, command: ['node', '--conditions=@godwit/source', `packages/core/sim/${file}`, ...args] };
}

/** What a test drives and a checkout does not bring: one that cannot be had fails its stage. */
function programs(...names: readonly string[]): Stage['command'] {
  return ['node', 'packages/testkit/src/ensure-program.ts', ...names];
}

function turbo(...tasks: readonly string[]): readonly [string, ...string[]] {
  return ['turbo', 'run', ...tasks, '--output-logs=errors-only'];
}
