// How fast a device stores events and works durable handlers off, beside its bare database: `npm run bench -- store`.
import { measureInBrowser } from './browser.ts';
import { createFigures } from './figures.ts';
import { timersWhileIdle } from './idle.ts';
import { burstEvents } from './orders.ts';
import { engine, rawObjects, rawText, sqliteBursts, sqliteDrain, whole, type Drains } from './sqlite.ts';

const figures = createFigures('store');
const drainSizes = [1000, 10_000, 100_000] as const;

for (const durability of ['os', 'fsync'] as const) {
  const times = await sqliteBursts(durability);
  figures.show(
    `Node, SQLite, durability '${durability}': a burst of 1,000 beside three durable handlers`,
    burstEvents,
    times,
  );
  figures.note(`Node, ${durability}, burst through the engine`, ratio(times[rawText], times[engine]), 1);
  figures.note(`Node, ${durability}, burst by runtime.publish`, ratio(times[rawObjects], times[whole]), 1);
}

const onNode: Drains[] = [];
for (const events of drainSizes) onNode.push(await sqliteDrain(events, events === 10_000));
showDrains('Node, SQLite', onNode);

const browser = await measureInBrowser(drainSizes);
figures.show(
  `${browser.version}, IndexedDB: a burst of 1,000 beside three durable handlers`,
  burstEvents,
  browser.bursts,
);
figures.note('browser, burst through the engine', ratio(browser.bursts['raw'], browser.bursts['engine']), 3);
showDrains('browser, IndexedDB', browser.drains);

figures.noteMost('idle, timers in a minute', await timersWhileIdle(), 0);
process.stdout.write(`\n(Node ${process.version}, ${process.arch})\n`);
figures.end();

function showDrains(where: string, all: readonly Drains[]): void {
  const [small, middle, large] = all;
  for (const { events, raw, log, rows } of all) {
    figures.show(`${where}: a durable handler works off ${events.toLocaleString('en')} events`, events, {
      'as many records written in one transaction': raw,
      'events of the log: claimed, run, settled': log,
      ...(rows === undefined ? {} : { 'rows that waited for a retry, all due at once': rows }),
    });
  }
  figures.note(`${where}, 10,000 due events against written records`, ratio(middle?.raw, middle?.log), 0.5);
  if (small === undefined || large === undefined) return;
  figures.noteMost(
    `${where}, cost of an event among 10^5 against 10^3`,
    large.log / large.events / (small.log / small.events),
    1.5,
  );
}

function ratio(one: number | undefined, other: number | undefined): number {
  return (one ?? Number.NaN) / (other ?? Number.NaN);
}
