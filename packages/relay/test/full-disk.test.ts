// A start on a disk that takes nothing more: here it is the size of its files that the system bounds, which needs no disk of its own.
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { batchType, eventOf, ids } from '../src/testing/index.ts';
import { runRelay, runRelayWithin } from './command.ts';
import { folder } from './relay.ts';

/** Below the size at which SQLite moves its log of writes into the file. */
const fileBytesMax = 1_000_000;

test.each([
  ['SIGKILL', 'fsync'],
  ['SIGTERM', 'fsync'],
  // What it would have to write down before it leaves its commits to the system, it cannot.
  ['SIGKILL', 'os'],
] as const)(
  'started on a full disk after %s, as %s, it serves what it holds, says that it is not ready, and goes on when there is room',
  async (signal, durability) => {
    const args = ['--port', '0', '--data', await folder(), '--insecure'];
    const data = 'x'.repeat(20_000);
    const post = (url: string, id: string): Promise<Response> => {
      const body = JSON.stringify([eventOf(id, { data })]);
      return fetch(`${url}/v1/channels/a/events`, { method: 'POST', headers: { 'content-type': batchType }, body });
    };
    const held = async (url: string): Promise<unknown[]> => {
      const found: unknown[] = [];
      for (let after = 'earliest'; ;) {
        const page = await fetch(`${url}/v1/channels/a/events?after=${after}`);
        found.push(...((await page.json()) as { readonly id: string }[]).map(({ id }) => id));
        if (page.headers.get('godwit-up-to-date') === 'true') return found;
        after = page.headers.get('godwit-next-offset') ?? '';
      }
    };
    const ready = async (url: string): Promise<number> => {
      const { status, body } = await fetch(`${url}/readyz`);
      await body?.cancel();
      return status;
    };

    const first = runRelayWithin(fileBytesMax, ...args);
    const url = await first.ready;
    let stored = 0;
    for (;;) {
      const answer = await post(url, String(stored + 1));
      const text = await answer.text();
      if (answer.status !== 200) {
        expect([answer.status, text]).toEqual([
          503,
          expect.stringMatching(/"detail":"[^"]*disk [^"]*nothing was stored/),
        ]);
        break;
      }
      stored += 1;
    }
    expect(stored).toBeGreaterThan(5);
    for (const id of ids(1, 20)) expect((await post(url, `more ${id}`)).status).toBe(503);
    // One short line, and not one for each.
    expect(first.output.stderr).toMatch(/^\{.{0,500}"name":"StorageFailed".{0,500}\}\n$/);
    expect(await ready(url)).toBe(503);
    first.child.kill(signal);
    expect(await first.ended).toBe(signal === 'SIGTERM' ? 0 : signal);

    // As full as it was, to the last byte where it was killed; where it ended, it has tidied up, and fills it again.
    // One byte more is too much for what is to be said of the file, too: its log is longer than it may be.
    const roomless = durability === 'os' ? fileBytesMax / 2 : fileBytesMax;
    const again = runRelayWithin(roomless, ...args, '--durability', durability);
    const its = await again.ready;
    if (signal === 'SIGKILL') expect([await ready(its), (await fetch(`${its}/healthz`)).status]).toEqual([503, 200]);
    expect(await held(its)).toEqual(ids(1, stored));
    again.child.kill('SIGKILL');
    await again.ended;
    if (durability === 'os') expect(again.output.stderr).toMatch(/"level":"warn".* waits for the disk, as by fsync/);

    const roomy = runRelay(...args);
    const there = await roomy.ready;
    expect(await ready(there)).toBe(200);
    expect(await (await post(there, '1')).json()).toMatchObject({ results: [{ status: 'duplicate' }] });
    expect((await post(there, 'new')).status).toBe(200);
    expect(await held(there)).toEqual([...ids(1, stored), 'new']);
  },
);

test.each([
  [1, 'before it has begun', 4096],
  [1, 'in the middle of it', 12_288],
  [2, 'before it has begun', 4096],
])(
  'a file whose tables have version %i stays what it was where its upgrade finds the disk full, %s, and is upgraded when there is room',
  async (version, _, roomBytes) => {
    const data = await folder();
    const args = ['--port', '0', '--data', data, '--insecure'];
    const post = (url: string, ...its: readonly string[]): Promise<Response> => {
      const body = JSON.stringify(its.map((id) => eventOf(id)));
      return fetch(`${url}/v1/channels/a/events`, { method: 'POST', headers: { 'content-type': batchType }, body });
    };
    const first = runRelay(...args);
    expect((await post(await first.ready, ...ids(1, 3))).status).toBe(200);
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    const file = join(data, 'godwit.sqlite');
    const inside = <Result>(look: (database: DatabaseSync) => Result): Result => {
      const database = new DatabaseSync(file);
      try {
        return look(database);
      } finally {
        database.close();
      }
    };
    inside((older) => {
      if (version === 1) older.exec('DROP TABLE webhooks; DROP TABLE handlers; DROP TABLE tasks');
      older.exec(`PRAGMA user_version = ${version}`);
    });

    const full = runRelayWithin(roomBytes, ...args);
    expect(await full.ended).toBe(1);
    expect(JSON.parse(full.output.stderr)).toMatchObject({
      name: 'StorageFailed',
      message: expect.stringMatching(/^cannot open .*godwit\.sqlite: the disk .*; make room, and start it again$/),
    });
    const saidOf = (name: string) =>
      inside((database) => Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {}));
    expect([saidOf('user_version'), saidOf('integrity_check')]).toEqual([[version], ['ok']]);

    const roomy = runRelay(...args);
    const url = await roomy.ready;
    expect(await (await post(url, '3', '4')).json()).toMatchObject({
      results: [{ status: 'duplicate' }, { status: 'appended', offset: expect.stringMatching(/\.0*4$/) }],
    });
    roomy.child.kill('SIGTERM');
    await roomy.ended;
    expect(saidOf('user_version')).toEqual([3]);
  },
);
