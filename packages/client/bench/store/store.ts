// How fast a device stores events and works durable handlers off, beside its bare database: `npm run bench -- store`.
import { measureInBrowser } from './browser.ts';
import { createFigures } from './figures.ts';
import { timersWhileIdle } from './idle.ts';
import { dueEvents, logSizes, ratioOf, type Drains, type RowDrains, type Samples } from './measure.ts';
import { burstEvents } from './orders.ts';
import { sqliteBursts, sqliteDrains, sqliteRows } from './sqlite.ts';

const figures = createFigures('store');

for (const durability of ['os', 'fsync'] as const) {
  const { rawText, rawMade, raw, engine, whole } = await sqliteBursts(durability);
  figures.show(`Node, SQLite, '${durability}': 1,000 publishes, three durable handlers running`, [
    ['node:sqlite: 1,000 rows of JSON in one transaction', burstEvents, rawText],
    ['the engine, until the last is stored', burstEvents, engine],
    ['node:sqlite: JSON.stringify, and 1,000 rows', burstEvents, raw],
    ['node:sqlite: ids, times, JSON.stringify, and 1,000 rows', burstEvents, rawMade],
    ['runtime.publish in one tick, until the last has resolved', burstEvents, whole],
  ]);
  // Both are handed JSON that was made before.
  figures.note(`Node '${durability}': publishes through the engine, against rows`, ratioOf(rawText, engine), 1);
  // Both are handed payloads; of the next, rows are handed events with their ids and times, and only publishes payloads.
  figures.note(
    `Node '${durability}': publishes, all of the way, against events made and rows`,
    ratioOf(rawMade, whole),
    1,
  );
  figures.note(`Node '${durability}': publishes, all of the way, against JSON and rows`, ratioOf(raw, whole));
}
showDrains('Node, SQLite', await sqliteDrains(), await sqliteRows());

const { version, bursts, drains, rows, idleTimers } = await measureInBrowser();
figures.show(`${version}, IndexedDB, 'relaxed': 1,000 publishes, three durable handlers running`, [
  ['idb: 1,000 records in one transaction, in a worker', burstEvents, bursts.raw],
  ['the engine in the worker, until the last is stored', burstEvents, bursts.engine],
  ['runtime.publish in one tick, until the last has resolved', burstEvents, bursts.whole],
]);
figures.note('browser: publishes through the engine, against records', ratioOf(bursts.raw, bursts.engine), 3);
figures.note('browser: publishes, all of the way, against records', ratioOf(bursts.raw, bursts.whole));
showDrains('browser, IndexedDB', drains, rows);

figures.noteMost('Node, idle: timers in a minute', await timersWhileIdle(), 0);
figures.noteMost('browser, idle: timers in seven seconds', idleTimers, 0);
process.stdout.write(`\n(Node ${process.version}, ${process.arch})\n`);
figures.end();

function showDrains(where: string, { raw, logs }: Drains, rows: RowDrains): void {
  figures.show(`${where}: a durable handler that does nothing works off what is due`, [
    ['as many records, written in one transaction', dueEvents, raw],
    ...logs.map(({ events, log }) => ['events of the log: claimed, run, committed', events, log] as const),
    ['rows of retries with their indexes, written in one transaction', dueEvents, rows.raw],
    ['rows of retries, due all at once: claimed, run, committed', dueEvents, rows.rows],
  ]);
  const logOf = (size: number | undefined): Samples =>
    logs.find(({ events }) => events === size)?.log.map((ms) => ms / (size ?? 1)) ?? [];
  const records = raw.map((ms) => ms / dueEvents);
  figures.note(`${where}: 10,000 due events, against records`, ratioOf(records, logOf(dueEvents)), 0.5);
  figures.note(`${where}: 10,000 due rows of retries, against such rows`, ratioOf(rows.raw, rows.rows), 0.5);
  const growth = ratioOf(logOf(logSizes.at(-1)), logOf(logSizes[0]));
  figures.noteMost(`${where}: cost of an event of 100,000, against one of 1,000`, growth, 1.5);
}
