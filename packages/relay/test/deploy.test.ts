// The files of deploy/ say what the relay understands.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { backupCommand, restoreCommand } from '../src/node/backup-command.ts';
import { readOptions } from '../src/node/options.ts';

const folder = join(import.meta.dirname, '../deploy');
const files = new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));

test('every option that they name is one', async () => {
  const served = readOptions(['--help']);
  const known = [
    typeof served === 'string' ? served : '',
    await backupCommand(['--help']),
    await restoreCommand(['--help']),
  ];
  const options = new Set(known.flatMap((usage) => usage.match(/--[a-z-]+/g) ?? []));
  const relayLines = [...files.values()]
    .flatMap((text) => text.split('\n'))
    .filter((line) => /godwit.*relay|--proxy/.test(line));
  const named = relayLines.flatMap((line) => line.match(/(?<= |`|")--[a-z-]+/g) ?? []);
  expect(named.length).toBeGreaterThan(8);
  // Those of others, in the same lines.
  const theirs = new Set(['--now', '--from']);
  expect(named.filter((option) => !options.has(option) && !theirs.has(option))).toEqual([]);
});

test('proxies buffer no stream, and wait longer than a heartbeat', () => {
  expect(files.get('nginx.conf')).toContain('proxy_buffering off;');
  expect(files.get('nginx.conf')).toContain('proxy_read_timeout 60s;');
  // It would keep the streams of readers that have gone.
  expect(files.get('Caddyfile')).not.toMatch(/^\s*flush_interval/m);
});
