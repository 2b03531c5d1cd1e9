// The command as a process: what it passes on, and what it says of what it does not know.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

function godwit(...args: readonly string[]) {
  const main = join(import.meta.dirname, '../src/godwit.ts');
  const child = spawn(process.execPath, ['--conditions=@godwit/source', main, ...args]);
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => (output.stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (output.stderr += String(chunk)));
  const ended = once(child, 'close').then(([code]: (number | null)[]) => code);
  onTestFinished(() => void child.kill('SIGKILL'));
  return { child, output, ended };
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'godwit-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

test('`godwit relay` serves until it is told to end, and `godwit token` mints what opens it', async () => {
  const data = await folder();
  const key = join(data, 'key');
  await writeFile(key, 'a secret of alice and bob, of thirty-two bytes and more');
  const relay = godwit('relay', '--port', '0', '--data', data, '--secret-file', key);
  await expect.poll(() => relay.output.stdout, { timeout: 20_000 }).toMatch(/^godwit relay http:\S+\n$/);
  const url = relay.output.stdout.slice('godwit relay '.length).trim();
  const token = godwit('token', '--secret-file', key, '--subscribe', '*');
  expect(await token.ended).toBe(0);
  const ask = async (bearer: string): Promise<number> =>
    (await fetch(`${url}/v1/stats`, { headers: { authorization: `Bearer ${bearer}` } })).status;
  expect([await ask(token.output.stdout.trim()), await ask('another')]).toEqual([200, 401]);
  relay.child.kill('SIGTERM');
  expect(await relay.ended).toBe(0);
});

test('without a command it says which there are, and one that it does not know is an error', async () => {
  const [none, unknown] = [godwit(), godwit('fly')];
  expect([await none.ended, none.output.stdout]).toEqual([0, expect.stringContaining('godwit relay backup')]);
  expect([await unknown.ended, unknown.output.stderr]).toEqual([2, expect.stringContaining('does not know fly')]);
});

test('it says its version, as its package does', async () => {
  const manifest: unknown = JSON.parse(await readFile(join(import.meta.dirname, '../package.json'), 'utf8'));
  for (const option of ['--version', '-v']) {
    const { ended, output } = godwit(option);
    expect(await ended).toBe(0);
    expect({ version: output.stdout.trim() }).toEqual({ version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
    expect(manifest).toMatchObject({ version: output.stdout.trim() });
  }
});

test('a mistake is told in one sentence on stderr, and ends with 2', async () => {
  for (const [args, sentence] of [
    [['token'], 'a token is signed with one key: --secret-file F or --private-key-file F'],
    [['relay', 'backup'], '--to names the file to write'],
    [['relay', 'restore', '--from', 'nowhere', '--data', 'nowhere'], 'there is no nowhere'],
    [['relay', 'moved'], '--data names the folder'],
    [
      ['token', '--expires', '-1h'],
      "Option '--expires' argument is ambiguous. Did you forget to specify the option argument for '--expires'? " +
        "To specify an option argument starting with a dash use '--expires=-XYZ'.; token --help lists the options",
    ],
    [['relay', 'bakup'], 'relay has the commands token, backup, restore, moved, and serves without one; got bakup'],
    [['relay', '--port', 'x'], '--port is a number from 0 to 65535; got x'],
  ] as const) {
    const { ended, output } = godwit(...args);
    expect([await ended, output]).toEqual([2, { stdout: '', stderr: `godwit: ${sentence}\n` }]);
  }
});

test('what goes wrong otherwise is told in one sentence, too, and ends with 1', async () => {
  const { ended, output } = godwit(
    'relay',
    'backup',
    '--url',
    'http://127.0.0.1:1',
    '--to',
    join(await folder(), 'copy'),
  );
  expect([await ended, output.stdout]).toEqual([1, '']);
  expect(output.stderr).toMatch(/^godwit: no relay answers at http:\/\/127\.0\.0\.1:1: .*\n$/);
});

test('it lists each command that the relay has', async () => {
  const [own, relay] = [godwit(), godwit('relay', '--help')];
  expect([await own.ended, await relay.ended]).toEqual([0, 0]);
  const commands = [...relay.output.stdout.matchAll(/^(godwit relay \w+) --help/gm)].map(([, command = '']) => command);
  expect(commands.length).toBeGreaterThan(3);
  expect(commands.filter((command) => !own.output.stdout.includes(command))).toEqual([]);
});
