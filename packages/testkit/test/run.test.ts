import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { closingLine, run } from '../src/run/run.ts';
import type { Stage } from '../src/run/stages.ts';

const folder = mkdtempSync(join(tmpdir(), 'godwit-run-'));

/** A stage that leaves this report and exits with this code. */
function stage(name: string, exitCode: number, report?: object): Stage {
  const file = join(folder, `${name}.json`);
  const script =
    report === undefined
      ? ''
      : `require('fs').writeFileSync(${JSON.stringify(file)}, ${JSON.stringify(JSON.stringify(report))});`;
  return {
    name,
    command: ['node', '-e', `${script} process.exit(${exitCode})`],
    ...(report === undefined ? {} : { report: { by: 'vitest', file } }),
  };
}

async function outcome(...stages: readonly Stage[]): Promise<{ ok: boolean; line: string; said: string }> {
  const lines: string[] = [];
  const { ok, counts } = await run(stages, (line) => lines.push(line));
  return { ok, line: closingLine(counts), said: lines.join('\n') };
}

test('the closing line counts the tests of every stage', async () => {
  const two = stage('two', 0, { numPassedTests: 2, numFailedTests: 0 });
  const three = stage('three', 0, { numPassedTests: 3, numFailedTests: 0 });
  expect(await outcome(stage('lint', 0), two, three)).toMatchObject({ ok: true, line: '5 passed, 0 failed' });
});

test('the first stage that fails is the last one that runs', async () => {
  const failing = stage('failing', 1, { numPassedTests: 4, numFailedTests: 2 });
  const { ok, line, said } = await outcome(failing, stage('never', 0));
  expect({ ok, line }).toEqual({ ok: false, line: '4 passed, 2 failed' });
  expect(said).not.toContain('never');
});

test('a check without tests that fails, and a runner that fails beside its tests, count as one failed', async () => {
  expect(await outcome(stage('lint', 1))).toMatchObject({ ok: false, line: '0 passed, 1 failed' });
  const leaking = stage('leaking', 1, { numPassedTests: 4, numFailedTests: 0 });
  expect(await outcome(leaking)).toMatchObject({ ok: false, line: '4 passed, 1 failed' });
});

test('a runner that leaves no report has not passed, whatever it says', async () => {
  const silent: Stage = { ...stage('silent', 0), report: { by: 'vitest', file: join(folder, 'none.json') } };
  expect(await outcome(silent)).toMatchObject({ ok: false, line: '0 passed, 1 failed' });
});

test('a report of an earlier run is not taken for this one’s', async () => {
  const file = join(folder, 'old.json');
  writeFileSync(file, JSON.stringify({ numPassedTests: 9, numFailedTests: 0 }));
  const dead: Stage = { ...stage('dead', 0), report: { by: 'vitest', file } };
  expect(await outcome(dead)).toMatchObject({ ok: false, line: '0 passed, 1 failed' });
});
