// Backups: made while the relay is written to, put in place, and noticed by whoever had read more than they hold.
import { existsSync } from 'node:fs';
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { createRelayWorld, eventOf, ids, readFrames } from '../src/testing/index.ts';
import { copyDatabase } from '../src/node/backup.ts';
import { createBackups } from '../src/node/backups.ts';
import { backupCommand, restoreCommand } from '../src/node/backup-command.ts';
import { fileIn } from '../src/node/sqlite/database.ts';
import { tokenCommand } from '../src/node/token-command.ts';
import { createTestLogger } from '@godwit/core/testing';
import { runRelay, runRelayWithin } from './command.ts';
import { folder, start } from './relay.ts';

test('5.8 a backup is made while events come, holds all that was acknowledged before, and begins a new epoch', async () => {
  const { publish, channel, get, stat } = await createRelayWorld(start);
  await publish(...ids(1, 500).map((id) => eventOf(id, { data: 'x'.repeat(2000) })));
  const before = await stat();
  const done = new AbortController();
  const publisher = (async () => {
    for (let next = 501; !done.signal.aborted; next += 1) {
      await publish(eventOf(String(next), { data: 'x'.repeat(2000) }));
    }
  })();
  const response = await get('/v1/backup');
  const bytes = await response.bytes();
  done.abort();
  await publisher;
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/vnd.sqlite3']);
  expect(String(bytes.byteLength)).toBe(response.headers.get('content-length'));

  const copies = await folder();
  const copy = join(copies, 'copy.sqlite');
  await writeFile(copy, bytes);
  const data = join(await folder(), 'new', 'place');
  await restoreCommand(['--from', copy, '--data', data]);
  const logger = createTestLogger();
  const again = await start({}, { data, logger });
  onTestFinished(() => again.close());
  expect(logger.lines).toMatchObject([{ level: 'warn', message: expect.stringContaining('is a backup') }]);
  const path = `${again.url}/v1/channels/${channel}/events`;
  // In the log's order, without a hole, and at least what was acknowledged when it was asked for.
  const { published } = (await (await fetch(`${again.url}/v1/channels/${channel}`)).json()) as { published: number };
  expect(published).toBeGreaterThanOrEqual(500);
  const held = readFrames(await fetch(`${path}?after=earliest`, { headers: { accept: 'text/event-stream' } }));
  expect(await held.ids(published)).toEqual(ids(1, published));
  await held.cancel();
  const gap = await fetch(`${path}?after=${String(before['head'])}`);
  expect([gap.headers.get('godwit-gap'), gap.headers.get('godwit-missed')]).toEqual(['epoch', null]);
});

test('a copy that is asked for within a transaction is made once that has ended', async () => {
  const path = join(await folder(), 'busy.sqlite');
  const database = new DatabaseSync(path);
  onTestFinished(() => database.close());
  database.exec("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT); INSERT INTO meta VALUES ('before', '1')");
  database.exec("BEGIN IMMEDIATE; INSERT INTO meta VALUES ('within', '1')");
  let isCopied = false;
  const copying = copyDatabase(database, `${path}.copy`).then(() => (isCopied = true));
  await expect.poll(() => existsSync(`${path}.copy`)).toBe(true);
  expect(isCopied).toBe(false);
  database.exec('COMMIT');
  await copying;
  const copy = new DatabaseSync(`${path}.copy`, { readOnly: true });
  onTestFinished(() => copy.close());
  const keys = copy.prepare('SELECT key FROM meta ORDER BY key').all();
  expect(keys.map(({ key }) => key)).toEqual(['before', 'copy', 'within']);
});

test('a copy that would leave events no room is not begun', async () => {
  const place = await folder();
  const database = new DatabaseSync(join(place, 'large.sqlite'));
  onTestFinished(() => database.close());
  database.exec('CREATE TABLE meta (key TEXT PRIMARY KEY, value); INSERT INTO meta VALUES (1, zeroblob(1000000))');
  const MiB = 1024 * 1024;
  let freeBytes = 16 * MiB + 500_000;
  const backup = createBackups(database, place, () => ({ bytes: 1024 * MiB, freeBytes }));
  await expect(backup()).rejects.toMatchObject({
    name: 'StorageFailed',
    message: expect.stringMatching(/^there is no room for a copy of 10\d{5} bytes beside the relay's file/),
  });
  expect(await readdir(place)).toEqual(['large.sqlite']);
  freeBytes += MiB;
  const { body, bytes } = await backup();
  expect((await new Response(body).bytes()).byteLength).toBe(bytes);
});

test('5.8 a backup needs the right to manage all, and leaves nothing behind', async () => {
  const data = await folder();
  const { relay, token, get } = await createRelayWorld((its) => start(its, { data }), { secured: true });
  const as = async (claims: object): Promise<Record<string, string>> => ({
    authorization: `Bearer ${await token(claims)}`,
  });
  expect((await get('/v1/backup')).status).toBe(401);
  expect((await get('/v1/backup', await as({ manage: ['room:*'], subscribe: ['*'], publish: ['*'] }))).status).toBe(
    403,
  );
  const all = await as({ manage: ['*'] });
  expect((await relay.fetch(`${relay.url}/v1/backup`, { method: 'HEAD', headers: all })).status).toBe(200);
  const [one, two] = await Promise.all([get('/v1/backup', all), get('/v1/backup', all)]);
  expect(new Set([one.status, two.status])).toEqual(new Set([200, 429]));
  for (const response of [one, two]) await response.bytes();
  expect(existsSync(join(data, 'godwit.backup'))).toBe(false);
});

test('what a process that was killed has left of a backup is gone at the next start', async () => {
  const data = await folder();
  for (const name of ['godwit.backup', 'godwit.backup-journal']) await writeFile(join(data, name), 'half');
  const { close } = await start({}, { data });
  expect((await readdir(data)).filter((name) => name.startsWith('godwit.backup'))).toEqual([]);
  await close();
});

test('what a relay holds, and each copy of it, its owner alone may read', async () => {
  const [data, place] = [await folder(), await folder()];
  const [online, offline] = [join(place, 'online.sqlite'), join(place, 'offline.sqlite')];
  const { url, close } = await start({}, { data });
  const headers = { 'content-type': 'application/cloudevents+json' };
  await fetch(`${url}/v1/channels/room/events`, { method: 'POST', headers, body: JSON.stringify(eventOf('1')) });
  const others = async (...paths: readonly string[]): Promise<readonly number[]> =>
    Promise.all(paths.map(async (path) => (await stat(path)).mode & 0o077));
  expect(await others(fileIn(data), `${fileIn(data)}-wal`)).toEqual([0, 0]);
  await backupCommand(['--url', url, '--to', online]);
  await close();
  await backupCommand(['--data', data, '--to', offline]);
  expect(await others(offline)).toEqual([0]);
  // As it is once it was carried about.
  await chmod(offline, 0o644);
  await restoreCommand(['--from', offline, '--data', join(place, 'restored')]);
  expect(await others(fileIn(data), online, fileIn(join(place, 'restored')))).toEqual([0, 0, 0]);
});

test('a copy that was damaged since is not put in place', async () => {
  const source = await folder();
  const relay = await createRelayWorld((its) => start(its, { data: source }));
  await relay.publish(...ids(1, 100).map((id) => eventOf(id, { data: 'x'.repeat(2000) })));
  const bytes = await (await relay.get('/v1/backup')).bytes();
  // All but the first pages, which say what it is.
  bytes.fill(7, bytes.length / 2);
  const copy = join(await folder(), 'copy.sqlite');
  await writeFile(copy, bytes);
  const data = join(await folder(), 'new');
  await expect(restoreCommand(['--from', copy, '--data', data])).rejects.toMatchObject({
    name: 'StorageFailed',
    message: expect.stringMatching(/^the database \S+copy\.sqlite is damaged [^]*; take another copy$/),
  });
  expect(existsSync(data)).toBe(false);
});

test('webhooks of a backup go on where they stood when it was made', async () => {
  const got: string[] = [];
  const server = createServer((incoming, outgoing) => {
    let body = '';
    incoming.setEncoding('utf8').on('data', (chunk) => (body += String(chunk)));
    incoming.on('end', () => {
      got.push((JSON.parse(body) as { readonly id: string }).id);
      outgoing.end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;

  const options = { allowPrivateWebhooks: true };
  const { relay, publish, channel, get } = await createRelayWorld((its) => start(its, options));
  const hooks = `/v1/channels/${channel}/webhooks`;
  await relay.fetch(relay.url + hooks, { method: 'POST', body: JSON.stringify({ url }) });
  await publish(eventOf('1'), eventOf('2'));
  const sent = async (at: string): Promise<unknown> =>
    ((await (await fetch(at + hooks)).json()) as { webhooks: { delivered: number }[] }).webhooks[0]?.delivered;
  await expect.poll(() => sent(relay.url)).toBe(2);
  const copy = join(await folder(), 'copy.sqlite');
  await writeFile(copy, await (await get('/v1/backup')).bytes());
  await relay.close();
  const data = await folder();
  await restoreCommand(['--from', copy, '--data', data]);
  const again = await start({}, { data, ...options, logger: createTestLogger() });
  onTestFinished(() => again.close());
  const body = JSON.stringify(eventOf('3'));
  const type = { 'content-type': 'application/cloudevents+json' };
  await fetch(`${again.url}/v1/channels/${channel}/events`, { method: 'POST', headers: type, body });
  await expect.poll(() => sent(again.url)).toBe(3);
  expect(got).toEqual(['1', '2', '3']);
});

test('a backup is made of a relay that runs, and of one that was killed; what each holds is served again', async () => {
  const data = await folder();
  const copies = await folder();
  const relay = runRelay('--port', '0', '--data', data, '--insecure');
  const url = await relay.ready;
  const type = { 'content-type': 'application/cloudevents+json' };
  await fetch(`${url}/v1/channels/room/events`, { method: 'POST', headers: type, body: JSON.stringify(eventOf('1')) });

  const [live, rest] = [join(copies, 'live.sqlite'), join(copies, 'rest.sqlite')];
  await expect(backupCommand(['--data', data, '--to', rest])).rejects.toThrow('ask that one: --url');
  const made = runRelay('backup', '--url', url, '--to', live);
  expect([await made.ended, made.output.stdout]).toEqual([0, `${live}\n`]);
  const nowhere = join(copies, 'nowhere', 'live.sqlite');
  await expect(backupCommand(['--url', url, '--to', nowhere])).rejects.toThrow(`cannot write ${nowhere}: `);
  relay.child.kill('SIGKILL');
  await relay.ended;
  expect(await backupCommand(['--data', data, '--to', rest])).toBe(`${rest}\n`);

  for (const copy of [live, rest]) {
    const place = join(await folder(), 'data');
    await restoreCommand(['--from', copy, '--data', place]);
    const again = await start({}, { data: place, logger: createTestLogger() });
    const page = await fetch(`${again.url}/v1/channels/room/events?after=earliest`);
    expect(await page.json()).toMatchObject([{ id: '1' }]);
    await again.close();
  }
});

test('a relay with a key tells who may not make a backup what it wants', async () => {
  const secret = 'a secret of alice and bob, of thirty-two bytes and more';
  const relay = await start({}, { insecure: false, secret: new TextEncoder().encode(secret) });
  onTestFinished(() => relay.close());
  const files = await folder();
  const key = join(files, 'key');
  const token = join(files, 'token');
  const to = join(files, 'copy');
  const asked = ['--url', relay.url, '--to', to];
  await expect(backupCommand(asked)).rejects.toMatchObject({
    name: 'Unauthenticated',
    message: expect.stringMatching(/^no copy was made: this relay wants a token: .*--token-file/),
  });
  await writeFile(key, secret);
  await writeFile(token, await tokenCommand(['--secret-file', key, '--subscribe', '*']));
  await expect(backupCommand([...asked, '--token-file', token])).rejects.toMatchObject({
    name: 'Forbidden',
    message:
      'no copy was made: the token does not allow to manage all channels; its claim "manage" lists what it allows',
  });
  expect(existsSync(to)).toBe(false);
});

test.each([
  [backupCommand, [], '--to names the file'],
  [backupCommand, ['--to', 'x'], 'one of --url and --data'],
  [backupCommand, ['--to', 'package.json', '--data', 'x'], 'package.json is there already'],
  [backupCommand, ['--to', 'nowhere.sqlite', '--data', 'does-not-exist'], "there is no relay's file"],
  [
    backupCommand,
    ['--to', 'nowhere.sqlite', '--url', 'http://127.0.0.1:1'],
    'no relay answers at http://127.0.0.1:1: bad port',
  ],
  [backupCommand, ['--to', 'nowhere.sqlite', '--url', 'nonsense'], '--url is http://… or https://…; got "nonsense"'],
  [backupCommand, ['--to', 'nowhere.sqlite', '--url', 'ftp://x'], '--url is http://… or https://…; got "ftp://x"'],
  [backupCommand, ['--nonsense'], 'backup --help lists the options'],
  [backupCommand, ['--to', '', '--data', 'x'], '--to is empty'],
  [restoreCommand, ['--from', 'package.json', '--data', ''], '--data is empty'],
  [restoreCommand, ['--from', 'x', '--to', 'y'], 'restore --help lists the options'],
  [restoreCommand, ['--from', 'x'], '--from names the copy'],
  [restoreCommand, ['--from', 'does-not-exist', '--data', 'x'], 'there is no does-not-exist'],
  // Nothing is said of the folder: it is the copy that is wrong.
  [
    restoreCommand,
    ['--from', 'package.json', '--data', 'x'],
    'cannot read package.json: it is not a database (is it a copy that backup has made?)',
  ],
  [restoreCommand, ['--from', '.', '--data', 'x'], 'cannot read .: '],
])('%o, asked with %j, says what is wrong, and changes nothing', async (command, args, sentence) => {
  await expect(command(args)).rejects.toThrow(sentence);
  expect([existsSync('nowhere.sqlite'), existsSync('nowhere.sqlite.part')]).toEqual([false, false]);
});

test('a copy is not put where a relay’s file is', async () => {
  const [data, copies] = [await folder(), await folder()];
  const first = await start({}, { data });
  const bytes = await (await fetch(`${first.url}/v1/backup`)).bytes();
  await first.close();
  const copy = join(copies, 'copy.sqlite');
  await writeFile(copy, bytes);
  const before = await readFile(join(data, 'godwit.sqlite'));
  await expect(restoreCommand(['--from', copy, '--data', data])).rejects.toThrow('is in the way');
  await expect(restoreCommand(['--from', join(data, 'godwit.sqlite'), '--data', copies])).rejects.toThrow('no copy');
  expect(await readFile(join(data, 'godwit.sqlite'))).toEqual(before);
});

test('a copy that cannot be put somewhere leaves nothing there', async () => {
  const copy = join(await folder(), 'copy.sqlite');
  const relay = await start();
  await writeFile(copy, await (await fetch(`${relay.url}/v1/backup`)).bytes());
  await relay.close();
  await expect(restoreCommand(['--from', copy, '--data', '/proc/godwit'])).rejects.toThrow(
    'cannot write /proc/godwit/godwit.sqlite: ',
  );
  const place = await folder();
  // As on a disk that has room for no more than its first pages.
  const full = runRelayWithin(8192, 'restore', '--from', copy, '--data', place);
  expect(await full.ended).toBe(1);
  expect(full.output.stderr).toContain(`cannot write ${fileIn(place)}: `);
  expect(await readdir(place)).toEqual([]);
});
