// On Node: a runtime over SQLite beside node:sqlite itself, in files of one folder and with the same durability.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createEngine, createHandle, createMemoryDevice, worldOf, type Runtime, type TaskRow } from '@godwit/core';
import type { Durability } from '../../src/node/sqlite/file.ts';
import { steps } from '../../src/node/sqlite/schema.ts';
import { openSqliteStore } from '../../src/node/sqlite/store.ts';
import { burst, defineThree, drainLog, drainRows, fill, untilHandled } from './handlers.ts';
import { dueEvents, logSizes, timed, type Bursts, type Drains, type RowDrains, type Samples } from './measure.ts';
import { burstEvents, eventsOf, shop, type Shop } from './orders.ts';

const warmUps = 50;
const rounds = 75;
const drainWarmUps = 3;
const drainRounds = 11;
const rowRounds = 3;

/** What rows alone take, from where what is stored of them. */
interface Rows {
  /** JSON that was made before, as what the engine is handed was. */
  readonly rawText: Samples;
  /** Payloads, as what `runtime.publish` is handed are: each becomes an event with an id and a time, and JSON. */
  readonly rawMade: Samples;
}

/** Bursts of publishes, in rounds. */
export async function sqliteBursts(durability: Durability): Promise<Bursts & Rows> {
  using folder = temporaryFolder();
  const rawText: number[] = [];
  const rawMade: number[] = [];
  const raw: number[] = [];
  const whole: number[] = [];
  const engine: number[] = [];
  let engineMs = 0;
  const runtime = await open(folder.path, durability, (ms) => (engineMs = ms));
  using database = openRaw(folder.path, durability);
  const names = await defineThree(runtime);
  for (let round = 1; round <= warmUps + rounds; round += 1) {
    const events = eventsOf(burstEvents);
    const texts = events.map((event) => JSON.stringify(event));
    rawText.push(await timed(() => database.insert(texts)));
    raw.push(await timed(() => database.insert(events.map((event) => JSON.stringify(event)))));
    rawMade.push(await timed(() => database.insert(eventsOf(burstEvents).map((event) => JSON.stringify(event)))));
    whole.push(await timed(() => burst(runtime)));
    engine.push(engineMs);
    await untilHandled(runtime, names, round * burstEvents);
  }
  await runtime.close();
  return {
    rawText: rawText.slice(warmUps),
    rawMade: rawMade.slice(warmUps),
    raw: raw.slice(warmUps),
    whole: whole.slice(warmUps),
    engine: engine.slice(warmUps),
  };
}

/** Handlers work off logs, in rounds. */
export async function sqliteDrains(): Promise<Drains> {
  using folder = temporaryFolder();
  using database = openRaw(folder.path, 'os');
  const logs: { readonly events: number; readonly runtime: Runtime<Shop>; readonly log: number[] }[] = [];
  for (const events of logSizes) {
    const runtime = await open(join(folder.path, String(events)), 'os');
    await fill(runtime, events);
    logs.push({ events, runtime, log: [] });
  }
  const raw: number[] = [];
  for (let round = 0; round < drainWarmUps + drainRounds; round += 1) {
    const batch = eventsOf(dueEvents);
    raw.push(await timed(() => database.insert(batch.map((event) => JSON.stringify(event)))));
    database.clear();
    for (const { events, runtime, log } of logs) log.push(await drainLog(runtime, `log ${round}`, events));
  }
  for (const { runtime } of logs) await runtime.close();
  return {
    raw: raw.slice(drainWarmUps),
    logs: logs.map(({ events, log }) => ({ events, log: log.slice(drainWarmUps) })),
  };
}

/** A handler works off rows, in rounds. */
export async function sqliteRows(): Promise<RowDrains> {
  using folder = temporaryFolder();
  const runtime = await open(folder.path, 'os');
  await fill(runtime, dueEvents);
  using table = openRawRows(folder.path);
  const raw: number[] = [];
  const drained: number[] = [];
  for (let round = 0; round <= rowRounds; round += 1) {
    const { ms, rows } = await drainRows(runtime, `rows ${round}`, dueEvents);
    drained.push(ms);
    raw.push(await timed(() => table.insert(rows)));
  }
  await runtime.close();
  // The first round warms up.
  return { raw: raw.slice(1), rows: drained.slice(1) };
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
  clear(): void;
}

function openRaw(folder: string, durability: Durability): Raw {
  const database = new DatabaseSync(join(folder, 'raw.sqlite'));
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
    clear: () => database.exec('DELETE FROM events'),
    [Symbol.dispose]: () => database.close(),
  };
}

/** The table of tasks with all its indexes, and nothing around it. */
function openRawRows(folder: string): Disposable & { insert(rows: readonly TaskRow[]): void } {
  const database = new DatabaseSync(join(folder, 'raw-rows.sqlite'));
  database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
  for (const step of steps) database.exec(step);
  const insert = database.prepare('INSERT INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  return {
    insert(rows) {
      database.exec('BEGIN IMMEDIATE');
      for (const { handler, position, state, key, attempts, at, delayMs, channel, offset, failure, event } of rows) {
        const due = at + delayMs;
        const [why, what] = [JSON.stringify(failure), JSON.stringify(event)];
        insert.run(handler, position, state, key, attempts, at, delayMs, due, channel, offset, why, what);
      }
      database.exec('COMMIT');
    },
    [Symbol.dispose]: () => database.close(),
  };
}

function temporaryFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'godwit-bench-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
