// `npm run sim:mutants`: puts each defect into a copy of the sources, and lets the simulation or a test find it; one that is not found fails the run.
import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { mutants, type Mutant } from './mutants.ts';

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '1000' }, only: { type: 'string' } },
});
/** How many run at the same time: each is a process of its own. */
const lanes = 2;
/** A defect may also make a world go round for ever: for so long no ten seeds came to an end. */
const silenceMs = 60_000;

const home = new URL('../..', import.meta.url).pathname;
const place = await mkdtemp(join(tmpdir(), 'godwit-mutants-'));
const queue = mutants.filter(({ name }) => values.only === undefined || name.includes(values.only));
const total = queue.length;
let survivors = 0;
try {
  await Promise.all(Array.from({ length: lanes }, (_, lane) => work(join(place, String(lane)))));
} finally {
  await rm(place, { recursive: true, force: true });
}
process.stdout.write(`\n${total - survivors} of ${total} defects were found\n`);
if (survivors > 0) process.exitCode = 1;

async function work(copy: string): Promise<void> {
  for (const part of ['src', 'sim', 'package.json']) await cp(join(home, part), join(copy, part), { recursive: true });
  // The tests' runner is found from there too.
  await symlink(join(home, '../../node_modules'), join(copy, 'node_modules'));
  for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
    const begun = performance.now();
    const found = await hunt(copy, mutant);
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    if (found === undefined) survivors += 1;
    process.stdout.write(`${found === undefined ? 'SURVIVED' : 'found   '} ${mutant.name} (${seconds} s)\n`);
    if (found !== undefined) process.stdout.write(`           ${found}\n`);
  }
}

/** How the defect was found; undefined when it was not. */
async function hunt(copy: string, { file, find, put, name, suite }: Mutant): Promise<string | undefined> {
  const path = join(copy, 'src', file);
  const text = await readFile(path, 'utf8');
  if (text.split(find).length !== 2) {
    process.stdout.write(`           what "${name}" replaces does not stand in ${file} once\n`);
    return undefined;
  }
  await writeFile(
    path,
    text.replace(find, () => put),
  );
  try {
    return await (suite === undefined ? simulated(copy) : tested(copy, suite));
  } finally {
    await writeFile(path, text);
  }
}

/** Runs one file of tests, whose failure is the find. */
function tested(copy: string, suite: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const runner = join(copy, 'node_modules/vitest/vitest.mjs');
    const child = spawn('node', [runner, 'run', '--root', copy, '--reporter', 'tap-flat', `src/${suite}`], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let output = '';
    child.stdout.on('data', (data: Buffer) => (output += data.toString()));
    child.once('error', reject);
    // Behind its last line, which may come after its exit.
    child.once('close', () => {
      const ran = /^(?:not )?ok \d+ - /m.test(output);
      if (!ran) return reject(new Error(`no test of ${suite} ran`));
      const [, title] = /^not ok \d+ - (.*?)(?: # .*)?$/m.exec(output) ?? [];
      resolve(title === undefined ? undefined : `by the suite: ${title}`);
    });
  });
}

function simulated(copy: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const options = ['--seeds', values.seeds, '--quick'];
    const child = spawn('node', ['--conditions=@godwit/source', join(copy, 'sim/run.ts'), ...options], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let isSilent = false;
    const kill = (): void => {
      isSilent = true;
      child.kill('SIGKILL');
    };
    let silence = setTimeout(kill, silenceMs);
    const hear = (data: Buffer): void => {
      output += data.toString();
      clearTimeout(silence);
      silence = setTimeout(kill, silenceMs);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('close', (code, signal) => {
      clearTimeout(silence);
      // Somebody else has ended it: that is no find.
      if (signal !== null && !isSilent) return reject(new Error(`a run was ended from outside, by ${signal}`));
      if (code === 0) return resolve(undefined);
      const [, seed, violation] = /^seed (\d+): (.*)$/m.exec(output) ?? [];
      if (violation !== undefined) return resolve(`after ${seed} seeds: ${violation.slice(0, 140)}`);
      const wrong = /^(?:\w*Error|[A-Z]\w+): .*$/m.exec(output)?.[0];
      resolve(wrong === undefined ? 'the world never came to rest' : `the run broke: ${wrong.slice(0, 140)}`);
    });
  });
}
