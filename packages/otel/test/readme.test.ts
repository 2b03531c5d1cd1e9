import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { telemetryCounters, telemetryGauges, telemetryHistograms, telemetrySpans } from '@godwit/core';
import { expect, test } from 'vitest';

const home = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(`${home}README.md`, 'utf8');

test('the first lines of the README run', () => {
  const [, lines = ''] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
  const use = "telemetry.watch({ name: 'publish' }, () => 7); await spans.forceFlush(); await numbers.shutdown();";
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=@godwit/source', '--input-type=module', '--eval', `${lines}\n${use}`],
    { cwd: home, encoding: 'utf8' },
  );
  expect(stderr).not.toContain('Error');
  expect(stdout).toContain("name: 'godwit.publish'");
  expect(stdout).toContain("name: 'godwit.published'");
});

test('the README names every counter, histogram, gauge and span', () => {
  const all = [telemetryCounters, telemetryHistograms, telemetryGauges, telemetrySpans].flatMap(Object.keys);
  expect(all.filter((name) => !readme.includes(`\n| \`${name}\` `))).toEqual([]);
});
