// How fast a device stores events and works durable handlers off, beside its bare database: `npm run bench -- store`.
import { measureInBrowser } from './browser.ts';
import { createFigures } from './figures.ts';
import { timersWhileIdle } from './idle.ts';
import type { Drain } from './measure.ts';
import { burstEvents } from './orders.ts';
import { sqliteBursts, sqliteDrain, sqliteRows } from './sqlite.ts';

const figures = createFigures('store');
const drainSizes = [1000, 10_000, 100_000];
const dueEvents = 10_000;

for (const durability of ['os', 'fsync'] as const) {
  const { rawText, raw, engine, whole } = await sqliteBursts(durability);
  figures.show(`Node, SQLite, '${durability}': 1,000 publishes, three durable handlers running`, burstEvents, {
    'node:sqlite: 1,000 rows of JSON in one transaction': rawText,
    'the engine, until the last is stored': engine,
    'node:sqlite: JSON.stringify, and 1,000 rows': raw,
    'runtime.publish in one tick, until the last has resolved': whole,
  });
  // Both are handed JSON that was made before.
  figures.note(`Node '${durability}': publishes through the engine, against rows`, rawText / engine, 1);
  figures.note(`Node '${durability}': publishes, all of the way, against JSON and rows`, raw / whole);
}
const onNode: Drain[] = [];
for (const events of drainSizes) onNode.push(await sqliteDrain(events));
showDrains('Node', onNode, await sqliteRows(dueEvents));

const { version, bursts, drains, rows } = await measureInBrowser(drainSizes, dueEvents);
figures.show(`${version}, IndexedDB, 'relaxed': 1,000 publishes, three durable handlers running`, burstEvents, {
  'idb: 1,000 records in one transaction, in the worker': bursts.raw,
  'the engine in the worker, until the last is stored': bursts.engine,
  'runtime.publish in one tick, until the last has resolved': bursts.whole,
});
figures.note('browser: publishes through the engine, against records', bursts.raw / bursts.engine, 3);
figures.note('browser: publishes, all of the way, against records', bursts.raw / bursts.whole);
showDrains('browser', drains, rows);

figures.noteMost('idle: timers in a minute', await timersWhileIdle(), 0);
process.stdout.write(`\n(Node ${process.version}, ${process.arch})\n`);
figures.end();

function showDrains(where: string, all: readonly Drain[], rowsMs: number): void {
  for (const { events, raw, log } of all) {
    figures.show(`${where}: a durable handler works off ${events.toLocaleString('en')} events`, events, {
      'as many records written in one transaction': raw,
      'events of the log: claimed, run, committed': log,
      ...(events === dueEvents ? { 'rows that waited for a retry, due all at once': rowsMs } : {}),
    });
    if (events === dueEvents) figures.note(`${where}: 10,000 due events, against records written`, raw / log, 0.5);
  }
  const [small] = all;
  const large = all.at(-1);
  if (small === undefined || large === undefined) return;
  const [few, many] = [small, large].map(({ events, log }) => log / events);
  figures.noteMost(`${where}: cost of an event among 100,000, against 1,000`, (many ?? 0) / (few ?? 0), 1.5);
}
