// `Log.append` at the port beside raw `node:sqlite`: the same events, the same groups, the same rows, an fsync each.
import { mkdtempSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { worldOf, type CloudEvent } from '@godwit/core';
import { openSqliteLogs } from '../../src/node/index.ts';
import { median, payloadBytes } from './burst.ts';

/** Appenders at once, each with one event under way. */
const appenders = 64;
const roundsOfEach = 100;
const data = 'x'.repeat(payloadBytes);

/** Events a second, ours and raw, the median of `rounds` that take turns. */
export async function compareAppends(rounds: number): Promise<{ readonly own: number; readonly raw: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-append-'));
  const world = worldOf(globalThis);
  const logs = openSqliteLogs({ path: join(folder, 'own.sqlite'), durability: 'fsync', world });
  const raw = openRaw(join(folder, 'raw.sqlite'));
  const log = await logs.open('a');
  let number = 0;
  const event = (): CloudEvent => {
    number += 1;
    return { specversion: '1.0', id: String(number), source: '/bench', type: 'bench.sent', data };
  };
  const appender = async (): Promise<void> => {
    for (let times = 0; times < roundsOfEach; times += 1) await log.append([event()], 0);
  };
  const figures: { own: number[]; raw: number[] } = { own: [], raw: [] };
  try {
    // The first round compiles.
    for (let round = 0; round <= rounds; round += 1) {
      const own = await perSecond(async () => {
        await Promise.all(Array.from({ length: appenders }, appender));
      });
      const its = await perSecond(async () => {
        for (let times = 0; times < roundsOfEach; times += 1) {
          raw.commit(Array.from({ length: appenders }, event));
          await new Promise((resolve) => setImmediate(resolve));
        }
      });
      if (round > 0) {
        figures.own.push(own);
        figures.raw.push(its);
      }
    }
  } finally {
    await logs.close();
    raw.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return { own: median(figures.own), raw: median(figures.raw) };
}

async function perSecond(work: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await work();
  return (appenders * roundsOfEach * 1000) / (performance.now() - begun);
}

/** What anybody would write by hand: a row for each event in the order of arrival, its identity unique, a commit for all of a group. */
function openRaw(path: string): { commit(events: readonly CloudEvent[]): void; close(): void } {
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE events (sequence INTEGER PRIMARY KEY, source TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (source, id));`);
  const insert = database.prepare('INSERT INTO events (source, id, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING');
  return {
    commit(events) {
      database.exec('BEGIN IMMEDIATE');
      for (const event of events) insert.run(event.source, event.id, JSON.stringify(event));
      database.exec('COMMIT');
    },
    close: () => database.close(),
  };
}
