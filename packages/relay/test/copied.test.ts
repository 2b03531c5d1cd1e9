// A relay's file that was copied by hand, and not by `backup`: what is older than readers were told begins a new epoch, and what is not
// does not.
import { appendFileSync, copyFileSync, cpSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { worldOf } from '@godwit/core';
import { createTestLogger } from '@godwit/core/testing';
import { expect, onTestFinished, test } from 'vitest';
import { ids } from '../src/testing/index.ts';
import { movedCommand } from '../src/node/moved-command.ts';
import { openSqliteLogs, type SqliteLogs } from '../src/node/sqlite/logs.ts';
import { runRelay } from './command.ts';
import { folder, start } from './relay.ts';

/** A relay's folder, and what is done to it between two lives. */
async function place(): Promise<string> {
  const data = join(await folder(), 'data');
  await mkdir(data);
  return data;
}

/** What SQLite would leave where the process is killed stays: it is closed with the test. */
function open(data: string, now?: () => number): SqliteLogs {
  const real = worldOf(globalThis);
  const world = now === undefined ? real : { ...real, now };
  const logs = openSqliteLogs({ path: join(data, 'godwit.sqlite'), durability: 'fsync', world });
  onTestFinished(() => logs.close());
  return logs;
}

async function publish(logs: SqliteLogs, first: number, last: number): Promise<string> {
  const log = await logs.open('room');
  for (const id of ids(first, last))
    await log.append([{ specversion: '1.0', id, source: '/alice', type: 'todo.added' }], 0);
  return (await log.stat()).epoch;
}

/** One life of a relay, which publishes so many events and is told to end. */
async function live(data: string, first: number, last: number): Promise<string> {
  const logs = open(data);
  const epoch = await publish(logs, first, last);
  await logs.close();
  return epoch;
}

/** What a start makes of a folder, once and a second time, when nothing is strange any more. */
async function starts(data: string): Promise<readonly (string | undefined)[]> {
  const first = open(data);
  const why = first.begunAnew;
  await first.close();
  const second = open(data);
  const again = second.begunAnew;
  await second.close();
  return [why, again];
}

/** Writes the files of one folder over those of another, which stay the files that they are, as `cp` does. */
function layOver(from: string, to: string): void {
  for (const name of readdirSync(from)) copyFileSync(join(from, name), join(to, name));
}

/** As a kill leaves it: the folder as it is while the relay runs, put back in its place after it has ended. */
async function killed(data: string, logs: SqliteLogs): Promise<void> {
  const aside = `${data}.aside`;
  cpSync(data, aside, { recursive: true });
  await logs.close();
  for (const name of readdirSync(data)) if (!name.endsWith('.sqlite')) rmSync(join(data, name));
  layOver(aside, data);
  rmSync(aside, { recursive: true });
}

test.each<[string, (data: string, old: string) => void]>([
  ['its file over the relay’s', (data, old) => copyFileSync(join(old, 'godwit.sqlite'), join(data, 'godwit.sqlite'))],
  ['its files over the relay’s', (data, old) => layOver(old, data)],
  [
    'it in place of the relay’s folder',
    (data, old) => {
      rmSync(data, { recursive: true });
      cpSync(old, data, { recursive: true });
    },
  ],
  [
    'its file alone in an empty folder',
    (data, old) => {
      for (const name of readdirSync(data)) rmSync(join(data, name));
      copyFileSync(join(old, 'godwit.sqlite'), join(data, 'godwit.sqlite'));
    },
  ],
])('a folder is copied while no relay runs; who puts %s back begins a new epoch, once', async (_, putBack) => {
  const data = await place();
  const before = await live(data, 1, 3);
  const old = `${data}.old`;
  cpSync(data, old, { recursive: true });
  await live(data, 4, 9);
  putBack(data, old);
  const [why, again] = await starts(data);
  expect([['replaced', 'copied'].includes(String(why)), again]).toEqual([true, undefined]);
  const logs = open(data);
  const { records, gap } = await (await logs.open('room')).read({ epoch: before, sequence: 9 }, 100);
  // Whoever had read to the ninth is told, and gets what there is.
  expect([gap?.reason, records.length]).toEqual(['epoch', 3]);
  expect(readdirSync(data).filter((name) => name.includes('.mark-'))).toHaveLength(1);
});

/** Makes the file one of a release that knew none. */
function forgetMarks(data: string, only?: 'the file alone'): void {
  const database = new DatabaseSync(join(data, 'godwit.sqlite'));
  database.exec("DELETE FROM meta WHERE key IN ('mark', 'place')");
  database.close();
  if (only !== undefined) return;
  for (const name of readdirSync(data)) if (name.includes('.mark-')) rmSync(join(data, name));
}

test.each([
  'after it has ended',
  'after it was killed',
  'after it was killed, a minute after the copy',
  'after it was killed, an hour before the copy by a clock that was set back',
])(
  'a folder is copied while its relay runs; who puts it back %s begins a new epoch, but for the copy’s last minute',
  async (when) => {
    const data = await place();
    let now = Date.now();
    const logs = open(data, () => now);
    await publish(logs, 1, 3);
    const old = `${data}.old`;
    cpSync(data, old, { recursive: true });
    if (when.endsWith('a minute after the copy')) now += 60_000;
    if (when.endsWith('set back')) now -= 3_600_000;
    await publish(logs, 4, 9);
    if (when === 'after it has ended') await logs.close();
    else await killed(data, logs);
    layOver(old, data);
    expect((await starts(data))[0]).toBe(when === 'after it was killed' ? undefined : 'replaced');
  },
);

test.each(['ended', 'killed'])(
  'a copy of a folder whose relay was %s is started beside it, in an epoch of its own',
  async (end) => {
    const data = await place();
    const logs = open(data);
    await publish(logs, 1, 3);
    if (end === 'ended') await logs.close();
    else await killed(data, logs);
    const copy = `${data}.copy`;
    cpSync(data, copy, { recursive: true });
    expect([await starts(data), await starts(copy)]).toEqual([
      [undefined, undefined],
      ['copied', undefined],
    ]);
    const [first, second] = [await live(data, 4, 4), await live(copy, 4, 4)];
    expect(first).not.toBe(second);
  },
);

test('a relay that is started again, was killed, or whose folder was moved within its disk, goes on as it was', async () => {
  const data = await place();
  const epoch = await live(data, 1, 3);
  expect(await starts(data)).toEqual([undefined, undefined]);
  const logs = open(data);
  await publish(logs, 4, 6);
  await killed(data, logs);
  expect(await starts(data)).toEqual([undefined, undefined]);
  const moved = `${data}.moved`;
  renameSync(data, moved);
  expect(await starts(moved)).toEqual([undefined, undefined]);
  expect(await live(moved, 7, 7)).toBe(epoch);
});

test('a file of a release that knew no marks goes on as it was', async () => {
  const data = await place();
  const logs = open(data);
  const epoch = await publish(logs, 1, 3);
  await logs.close();
  forgetMarks(data);
  expect(await starts(data)).toEqual([undefined, undefined]);
  expect(await live(data, 4, 4)).toBe(epoch);
  // Put over a marked one, it is an older one.
  forgetMarks(data, 'the file alone');
  expect(await starts(data)).toEqual(['replaced', undefined]);
});

test('whoever takes the mark away has new epochs begin', async () => {
  const data = await place();
  await live(data, 1, 3);
  for (const name of readdirSync(data)) if (name.includes('.mark-')) rmSync(join(data, name));
  expect(await starts(data)).toEqual(['replaced', undefined]);
});

test('a new file beside an old one’s mark is no copy', async () => {
  const data = await place();
  await live(data, 1, 3);
  rmSync(join(data, 'godwit.sqlite'));
  expect(await starts(data)).toEqual([undefined, undefined]);
});

test('killed between any two steps of a start, the relay knows its own file', async () => {
  const data = await place();
  const file = join(data, 'godwit.sqlite');
  await live(data, 1, 1);
  const mark = (): string => readdirSync(data).find((name) => name.includes('.mark-')) ?? '';
  // Before the file itself has the mark that the name announces, and behind that.
  renameSync(join(data, mark()), join(data, `${mark()}-next`));
  expect(await starts(data)).toEqual([undefined, undefined]);
  renameSync(join(data, mark()), `${file}.mark-before-${mark().slice('godwit.sqlite.mark-'.length)}`);
  expect(await starts(data)).toEqual([undefined, undefined]);
});

test('a folder that was moved to another disk goes on in its epochs where somebody says so', async () => {
  const data = await place();
  const epoch = await live(data, 1, 3);
  const moved = `${data}.moved`;
  cpSync(data, moved, { recursive: true });
  rmSync(data, { recursive: true });
  const said = runRelay('moved', '--data', moved);
  expect([await said.ended, said.output.stdout]).toEqual([0, `${join(moved, 'godwit.sqlite')}\n`]);
  expect(await starts(moved)).toEqual([undefined, undefined]);
  expect(await live(moved, 4, 4)).toBe(epoch);
});

test('nobody can say so of an older file, of none, or while a relay runs', async () => {
  const data = await place();
  await expect(movedCommand([])).rejects.toThrow('--data names the folder');
  await expect(movedCommand(['--to', data])).rejects.toThrow('moved --help lists the options');
  await expect(movedCommand(['--data', data])).rejects.toThrow('there is no relay');
  await live(data, 1, 1);
  const old = `${data}.old`;
  cpSync(data, old, { recursive: true });
  const logs = open(data);
  await expect(movedCommand(['--data', data])).rejects.toMatchObject({ name: 'StorageFailed' });
  await logs.close();
  copyFileSync(join(old, 'godwit.sqlite'), join(data, 'godwit.sqlite'));
  await expect(movedCommand(['--data', data])).rejects.toThrow('not the file that the relay has left there');
  appendFileSync(join(old, 'godwit.sqlite.mark-other'), '');
  await expect(movedCommand(['--data', old])).rejects.toMatchObject({ name: 'InvalidOptions' });
});

test('a relay that is started on a copy says so, and what to do', async () => {
  const data = await place();
  await live(data, 1, 3);
  const copy = `${data}.copy`;
  cpSync(data, copy, { recursive: true });
  const logger = createTestLogger();
  const relay = await start({}, { data: copy, logger });
  onTestFinished(() => relay.close());
  expect(logger.lines).toMatchObject([
    {
      level: 'warn',
      message: expect.stringMatching(/was copied there.*`godwit relay moved`.*every log begins a new epoch/),
    },
  ]);
});
