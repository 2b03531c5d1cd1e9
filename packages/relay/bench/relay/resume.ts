// What it costs to resume, in a log of a thousand events and of ten million: the first page behind an offset near the head.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { worldOf, type CloudEvent } from '@godwit/core';
import { openSqliteLogs } from '../../src/node/index.ts';
import { median } from './burst.ts';

/** As much as one commit takes: a log of millions is built in minutes. */
const batch = 1000;
/** Resumed at so many places, each this far behind the last. */
const places = 200;
const missed = 10;

/** Microseconds of one resumption, by how many events the log holds. Resumed all over the log, not at its warm end alone. */
export async function measureResumes(sizes: readonly number[]): Promise<ReadonlyMap<number, number>> {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-resume-'));
  const logs = openSqliteLogs({ path: join(folder, 'log.sqlite'), durability: 'os', world: worldOf(globalThis) });
  const log = await logs.open('a');
  const figures = new Map<number, number>();
  try {
    let held = 0;
    for (const size of sizes) {
      for (; held < size; held += batch) await log.append(eventsFrom(held), 0);
      const { epoch } = await log.stat();
      const times: number[] = [];
      for (let place = 0; place < places; place += 1) {
        const sequence = Math.floor(((size - missed) * (place + 1)) / places);
        const begun = performance.now();
        const { records } = await log.read({ epoch, sequence }, missed);
        times.push((performance.now() - begun) * 1000);
        if (records.length !== missed) throw new Error(`${records.length} of ${missed} records behind ${sequence}`);
      }
      figures.set(size, median(times));
    }
  } finally {
    await logs.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return figures;
}

function eventsFrom(first: number): readonly CloudEvent[] {
  return Array.from({ length: batch }, (_, index) => {
    return { specversion: '1.0', id: String(first + index), source: '/b', type: 'b.c' };
  });
}
