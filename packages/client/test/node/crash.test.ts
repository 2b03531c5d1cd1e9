// Processes that are killed at any moment: what was told is in the file, and nothing is half in it.
import { taskStates, type CloudEvent, type DeviceStore, type TaskRow } from '@godwit/core';
import { expect, test } from 'vitest';
import { openSqliteStore } from '../../src/node/index.ts';
import { freshFile, world } from './device.ts';
import { startProcess } from './process.ts';

const rounds = 20;
const timeout = 120_000;

test(
  `a process that publishes is killed ${rounds} times: each burst whose publish resolved is there, and no half of any`,
  { timeout },
  async () => {
    const file = await freshFile();
    let next = 0;
    for (let round = 0; round < rounds; round += 1) {
      const child = startProcess(['publish', file, round % 2 === 0 ? 'fsync' : 'os', `${next}`]);
      // The first while it makes the file, a later one while it repairs what the one before has left.
      await child.said(round % 5 === 0 ? 'opening' : `stored ${next + (round % 7)}`);
      await anyMoment(round);
      await child.kill();
      const stored = burstsOf(await eventsIn(file));
      const told = child.lines.filter((line) => line.startsWith('stored')).length;
      expect(stored.map(({ burst }) => burst)).toEqual(stored.map((_, index) => index));
      expect(stored.filter(({ events, size }) => events !== size)).toEqual([]);
      // One that was committed and not yet told may be there; no second was begun before it.
      expect([next + told, next + told + 1]).toContain(stored.length);
      next = stored.length;
    }
    expect(next).toBeGreaterThan(rounds);
  },
);

test(
  `a process that runs durable handlers is killed ${rounds} times: cursor, rows and counts are of one step`,
  { timeout },
  async () => {
    const file = await freshFile();
    let beat = 0;
    for (let round = 0; round < rounds; round += 1) {
      const child = startProcess(['advance', file]);
      await child.said(round % 5 === 0 ? 'opening' : `advanced ${beat + 1 + 3 * (round % 7)}`);
      await anyMoment(round);
      await child.kill();
      const told = child.lines.filter((line) => line.startsWith('advanced')).length;
      const store = openSqliteStore({ file, world, durability: 'os' });
      const [record] = await store.handlers();
      const rows = await rowsOf(store);
      await store.close();
      const now = record?.beat ?? 0;
      expect([beat + told, beat + told + 1]).toContain(now);
      beat = now;
      if (record === undefined) continue;
      expect(record).toMatchObject({
        cursor: Math.max(0, beat - 1),
        rows: Object.fromEntries(taskStates.map((state) => [state, rows.filter((row) => row.state === state).length])),
        totals: { passed: beat },
      });
      const due = rows.filter(({ state }) => state === 'waiting').map(({ at, delayMs }) => at + delayMs);
      expect(record.due).toBe(due.length === 0 ? null : Math.min(...due));
    }
    expect(beat).toBeGreaterThan(rounds);
  },
);

/** Nothing is waited for: what is said comes between two commits, and a crash comes whenever it likes. */
function anyMoment(round: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, (round * 7) % 12));
}

async function eventsIn(file: string): Promise<readonly CloudEvent[]> {
  const store = openSqliteStore({ file, world, durability: 'os' });
  const events: CloudEvent[] = [];
  for (let after = 0, isDone = false; !isDone;) {
    const run = await store.read(after, 1000);
    for (const entry of run.entries) if (entry.kind === 'event') events.push(entry.event);
    [after, isDone] = [run.next, run.atHead];
  }
  await store.close();
  return events;
}

/** The bursts in the log's order, each with as many events as it said, and as there are. */
function burstsOf(events: readonly CloudEvent[]): readonly { burst: number; size: number; events: number }[] {
  const bursts: { burst: number; size: number; events: number }[] = [];
  for (const { data } of events) {
    const { burst, size } = data as { readonly burst: number; readonly size: number };
    const last = bursts.at(-1);
    if (last?.burst === burst) last.events += 1;
    else bursts.push({ burst, size, events: 1 });
  }
  return bursts;
}

async function rowsOf(store: DeviceStore): Promise<readonly TaskRow[]> {
  const rows: TaskRow[] = [];
  for (let after; ;) {
    const page = await store.tasks({}, { limit: 100, ...(after === undefined ? {} : { after }) });
    rows.push(...page.tasks);
    if (page.next === null) return rows;
    after = page.next;
  }
}
