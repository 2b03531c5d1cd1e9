// On a disk of the relay's own: as large as is said here, and as full as what lies in the folder makes it.
import { mkdtemp, rm } from 'node:fs/promises';
import { readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { worldOf, type CloudEvent } from '@godwit/core';
import { expect, onTestFinished, test } from 'vitest';
import { openSqliteLogs, type SqliteLogs } from './logs.ts';
import type { Disk } from './room.ts';

const world = worldOf(globalThis);
const MiB = 1024 * 1024;

test.each([
  ['a channel that is removed', async (logs: SqliteLogs) => void (await logs.remove('old'))],
  [
    'what is trimmed',
    async (logs: SqliteLogs) => void (await (await logs.open('old')).trim({ before: Infinity, bytesMax: 0 })),
  ],
])('on a full disk %s makes room, time and again', async (_, makeRoom) => {
  const { path, disk } = await diskOf(32 * MiB);
  const logs = openLogs({ path, disk });
  for (let round = 1; round <= 3; round += 1) {
    const old = await logs.open('old');
    await old.append(eventsOf(`${round}`, 16), 0);
    expect(await fill(logs, `${round} at once`, { atOnce: 40, events: 4 })).toBe('full');
    expect(await fill(logs, `${round} one by one`)).toBe('full');
    await expect(logs.ready()).rejects.toMatchObject({ message: expect.stringContaining('the disk is full') });
    expect(disk().freeBytes).toBeGreaterThan(MiB);
    await makeRoom(logs);
    await expect.poll(() => logs.ready().then(() => 'ready')).toBe('ready');
    expect(disk().freeBytes).toBeGreaterThan(MiB);
  }
});

test('what was given up is written over, however little of the disk is free', async () => {
  const { path, disk } = await diskOf(32 * MiB);
  const logs = openLogs({ path, disk });
  const old = await logs.open('old');
  await old.append(eventsOf('old', 40), 0);
  await logs.remove('old');
  expect(await fill(logs, 'first')).toBe('full');
  await logs.remove('new');
  await expect.poll(() => logs.ready().then(() => 'ready')).toBe('ready');
  const { size } = statSync(path);
  const next = await logs.open('next');
  for (let batch = 0; batch < 8; batch += 1) await next.append(eventsOf(`next ${batch}`, 8), 0);
  expect(await next.stat()).toMatchObject({ head: 64 });
  // Some of the last that was appended may have been on its way into the file.
  expect(statSync(path).size).toBeLessThan(size + 4 * MiB);
});

/** Appends by so many batches at once until one is refused. */
async function fill(
  logs: SqliteLogs,
  prefix: string,
  { atOnce, events } = { atOnce: 1, events: 1 },
): Promise<'full' | 'endless'> {
  const log = await logs.open('new');
  for (let run = 0; run < 200 / atOnce; run += 1) {
    const done = await Promise.allSettled(
      Array.from({ length: atOnce }, (_, batch) => log.append(eventsOf(`${prefix} ${run} ${batch}`, events), 0)),
    );
    if (done.some(({ status }) => status === 'rejected')) return 'full';
  }
  return 'endless';
}

/** Of 200,000 bytes each. */
function eventsOf(prefix: string, count: number): CloudEvent[] {
  const data = 'x'.repeat(200_000);
  const base = { specversion: '1.0', source: '/alice', type: 'note.added', data } as const;
  return Array.from({ length: count }, (_, index) => ({ ...base, id: `${prefix} ${index}` }));
}

async function diskOf(bytes: number): Promise<{ path: string; disk: () => Disk }> {
  const folder = await mkdtemp(join(tmpdir(), 'godwit-room-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'godwit.sqlite');
  const taken = (): number =>
    readdirSync(dirname(path)).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  return { path, disk: () => ({ bytes, freeBytes: Math.max(0, bytes - taken()) }) };
}

function openLogs(options: { readonly path: string; readonly disk: () => Disk }): SqliteLogs {
  const logs = openSqliteLogs({ ...options, durability: 'os', world });
  onTestFinished(() => logs.close());
  return logs;
}
