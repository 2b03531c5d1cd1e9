// What many seeds came to: events, faults by kind, and whether every kind was met.
import { faultKinds, type FaultKind, type SimReport } from '../src/testing/sim/index.ts';

/** Sums over seeds. */
export interface Totals {
  seeds: number;
  failed: number;
  elapsedMs: number;
  published: number;
  acknowledged: number;
  refused: number;
  stored: number;
  runs: number;
  handled: number;
  readonly tempers: Map<string, number>;
  readonly faults: Map<FaultKind, number>;
  readonly points: Map<string, number>;
}

/** Nothing yet. */
export function emptyTotals(): Totals {
  const counts = { published: 0, acknowledged: 0, refused: 0, stored: 0, runs: 0, handled: 0 };
  return { seeds: 0, failed: 0, elapsedMs: 0, ...counts, tempers: new Map(), faults: new Map(), points: new Map() };
}

/** Adds a seed. */
export function addReport(
  totals: Totals,
  { plan, violation, elapsedMs, counts, stored, faults, points }: SimReport,
): void {
  totals.seeds += 1;
  totals.failed += violation === undefined ? 0 : 1;
  totals.elapsedMs += elapsedMs;
  totals.published += counts.published;
  totals.acknowledged += counts.acknowledged;
  totals.refused += counts.refused;
  totals.runs += counts.runs;
  totals.handled += counts.handled;
  totals.stored += stored;
  add(totals.tempers, plan.temper, 1);
  for (const [kind, count] of faults) add(totals.faults, kind, count);
  for (const [point, count] of points) add(totals.points, point, count);
}

/** Kinds that never struck. */
export function unmet({ faults }: Totals): readonly FaultKind[] {
  return faultKinds.filter((kind) => !faults.has(kind));
}

/** Points that were passed, and where a kind of fault never struck that may. */
function unmetPoints({ points }: Totals): readonly string[] {
  return [...points].flatMap(([point, count]) => (count === 0 ? [point] : [])).toSorted();
}

/** The report of a run. */
export function linesOf(totals: Totals, seconds: number): readonly string[] {
  const { seeds, failed, elapsedMs, published, acknowledged, refused, stored, runs, handled } = totals;
  const days = elapsedMs / 86_400_000;
  const missing = unmet(totals);
  const safe = unmetPoints(totals);
  const sum = [...totals.faults.values()].reduce((all, count) => all + count, 0);
  return [
    `${number(seeds)} seeds (${[...totals.tempers].map(([name, count]) => `${number(count)} ${name}`).join(', ')}) ` +
      `in ${seconds.toFixed(1)} s: ${(seeds / seconds).toFixed(1)} seeds/s, ${days.toFixed(1)} days of virtual time`,
    `${number(published)} calls of publish: ${number(acknowledged)} acknowledged, ${number(refused)} refused, the others never answered; ` +
      `${number(stored)} events at the relay; ${number(handled)} of ${number(runs)} runs of durable handlers ended well`,
    `${number(sum)} faults:`,
    ...faultKinds.map((kind) => `  ${kind.padEnd(24)} ${number(totals.faults.get(kind) ?? 0).padStart(9)}`),
    `${totals.points.size - safe.length} of ${totals.points.size} points of failure met (a port's method, and what struck there)` +
      (safe.length === 0 ? '' : `; never: ${safe.join(', ')}`),
    missing.length === 0 ? 'every kind of fault was met' : `never met: ${missing.join(', ')}`,
    failed === 0 ? 'every check passed' : `${failed} seeds FAILED`,
  ];
}

function add<Key>(counts: Map<Key, number>, key: Key, count: number): void {
  counts.set(key, (counts.get(key) ?? 0) + count);
}

function number(value: number): string {
  return value.toLocaleString('en-GB');
}
