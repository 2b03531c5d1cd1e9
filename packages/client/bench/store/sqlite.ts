// On Node: a runtime over SQLite beside node:sqlite itself, in files of one folder and with the same durability.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createEngine, createHandle, createMemoryDevice, worldOf, type Runtime } from '@godwit/core';
import type { Durability } from '../../src/node/sqlite/file.ts';
import { openSqliteStore } from '../../src/node/sqlite/store.ts';
import { burst, defineThree, drainLog, drainRows, fill, untilHandled } from './handlers.ts';
import { mediansOf, note, timed, type Times } from './measure.ts';
import { burstEvents, eventsOf, shop, type Shop } from './orders.ts';

const warmUps = 5;
const rounds = 25;
const drains = 7;

/** Bursts of publishes, in rounds. */
export async function sqliteBursts(durability: Durability): Promise<Readonly<Record<string, number>>> {
  using folder = temporaryFolder();
  const times: Times = {};
  let engineMs = 0;
  const runtime = await open(folder.path, durability, (ms) => (engineMs = ms));
  using raw = openRaw(folder.path, durability);
  const names = await defineThree(runtime);
  for (let round = 1; round <= warmUps + rounds; round += 1) {
    // What warms up is not counted.
    const its = round <= warmUps ? {} : times;
    const events = eventsOf(burstEvents);
    const texts = events.map((event) => JSON.stringify(event));
    note(its, rawText, await timed(() => raw.insert(texts)));
    note(its, rawObjects, await timed(() => raw.insert(events.map((event) => JSON.stringify(event)))));
    note(its, whole, await timed(() => burst(runtime)));
    note(its, engine, engineMs);
    await untilHandled(runtime, names, round * burstEvents);
  }
  await runtime.close();
  return mediansOf(times);
}

/** What is measured of a burst, by the names it is shown with. */
export const rawText = 'node:sqlite, 1,000 rows of JSON in one transaction';
export const rawObjects = 'node:sqlite, JSON.stringify and 1,000 rows';
export const engine = 'the engine: 1,000 publishes handed in, until stored';
export const whole = 'runtime.publish, 1,000 in one tick, until the last resolved';

/** Backlogs of durable handlers, beside rows written. Milliseconds, by how many events. */
export interface Drains {
  readonly events: number;
  readonly raw: number;
  readonly log: number;
  readonly rows: number | undefined;
}

/** A handler works off a log of so many events, in rounds. */
export async function sqliteDrain(events: number, withRows: boolean): Promise<Drains> {
  using folder = temporaryFolder();
  const times: Times = {};
  const runtime = await open(folder.path, 'os');
  await fill(runtime, events);
  const batch = eventsOf(events);
  for (let round = 0; round <= drains; round += 1) {
    using raw = openRaw(folder.path, 'os', `raw-${round}.sqlite`);
    const its = round === 0 ? {} : times;
    note(its, 'raw', await timed(() => raw.insert(batch.map((event) => JSON.stringify(event)))));
    note(its, 'log', await drainLog(runtime, `log ${round}`, events));
    if (withRows) note(its, 'rows', await drainRows(runtime, `rows ${round}`, events));
  }
  await runtime.close();
  const { raw = Number.NaN, log = Number.NaN, rows } = mediansOf(times);
  return { events, raw, log, rows };
}

/** A runtime as `createRuntime` makes it, but that `recorded` hears how long the engine took for each call. */
function open(folder: string, durability: Durability, recorded?: (ms: number) => void): Promise<Runtime<Shop>> {
  const world = worldOf(globalThis);
  const its = createEngine({
    store: openSqliteStore({ file: join(folder, 'device.sqlite'), world, durability }),
    storage: 'sqlite',
    tabs: createMemoryDevice().tab(),
    link: undefined,
    world,
    channels: [['shop', 'earliest']],
  });
  return createHandle({
    engine: {
      ...its,
      async record(drafts) {
        const begun = performance.now();
        const positions = await its.record(drafts);
        recorded?.(performance.now() - begun);
        return positions;
      },
    },
    events: shop,
    world,
    channels: ['shop'],
  });
}

interface Raw extends Disposable {
  insert(rows: readonly string[]): void;
}

function openRaw(folder: string, durability: Durability, name = 'raw.sqlite'): Raw {
  const database = new DatabaseSync(join(folder, name));
  // As a device's file is opened.
  database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL');
  database.exec(`PRAGMA synchronous = ${durability === 'fsync' ? 'FULL' : 'NORMAL'}`);
  database.exec('CREATE TABLE events (position INTEGER PRIMARY KEY, event TEXT NOT NULL)');
  const insert = database.prepare('INSERT INTO events (event) VALUES (?)');
  return {
    insert(rows) {
      database.exec('BEGIN IMMEDIATE');
      for (const row of rows) insert.run(row);
      database.exec('COMMIT');
    },
    [Symbol.dispose]: () => database.close(),
  };
}

function temporaryFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'godwit-bench-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
