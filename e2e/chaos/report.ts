// What a run came to, in lines: for whoever waits for it, for the documents, and for whoever has to find what went wrong.
import type { Violation } from './compare.ts';
import type { Options } from './options.ts';
import type { Recovery } from './recoveries.ts';

/** Everything that a report tells of. */
export interface Outcome {
  readonly options: Options;
  /** How long it took, rest included, in milliseconds. */
  readonly elapsedMs: number;
  /** Events that somebody was told are kept, on a disk or at the relay. */
  readonly kept: number;
  /** Events that the relay's log has held. */
  readonly stored: number;
  /** Events that tabs have heard. */
  readonly heard: number;
  /** Gaps that tabs were told of, and how many events they missed by them. */
  readonly gaps: { readonly told: number; readonly missed: number };
  /** Orders that durable handlers have handled, all devices together. */
  readonly handled: number;
  readonly tabs: number;
  /** Batches that the publisher posted again. */
  readonly repeated: number;
  /** Events that a page kept in memory and said so, and that were lost with it. */
  readonly lostInMemory: number;
  readonly refused: ReadonlyMap<string, number>;
  readonly faults: ReadonlyMap<string, number>;
  readonly unable: ReadonlyMap<string, string>;
  readonly recoveries: readonly Recovery[];
  readonly violations: readonly Violation[];
  readonly timeline: readonly string[];
}

/** How many violations are told one by one. */
const toldMax = 20;
/** How much of what happened before the end is told with them. */
const timelineMax = 60;

/** The report. */
export function linesOf(outcome: Outcome): readonly string[] {
  const { options, elapsedMs, kept, stored, heard, gaps, handled, tabs, repeated, refused, lostInMemory } = outcome;
  const perSecond = Math.round(stored / (elapsedMs / 1000));
  const refusals = [...refused].map(([name, count]) => `${name} ${number(count)}`).join(', ');
  return [
    `relay ${options.relay}, seed ${options.seed}: ${options.seconds} s of faults, ${seconds(elapsedMs)} s in all`,
    `${number(kept)} events acknowledged, ${number(stored)} stored by the relay (${perSecond} a second), ${number(heard)} heard by ${tabs} tabs`,
    `${number(gaps.told)} gaps told, of ${number(gaps.missed)} events; ${number(handled)} orders handled durably`,
    `${number(repeated)} batches posted again; calls of publish refused: ${refusals === '' ? 'none' : refusals}`,
    ...(lostInMemory === 0 ? [] : [`${number(lostInMemory)} events lost that a page had said it keeps in memory only`]),
    ...faultLines(outcome),
    ...verdict(outcome),
  ];
}

function faultLines({ faults, unable, recoveries }: Outcome): readonly string[] {
  const sum = [...faults.values()].reduce((all, count) => all + count, 0);
  const calm = recoveries.filter(({ isDisturbed }) => !isDisturbed);
  const times = (of: readonly Recovery[]): [string, string] => [
    told(quantile(ms(of), 0.5)),
    told(quantile(ms(of), 0.99)),
  ];
  return [
    row('faults', number(sum), 'p50', 'p99'),
    ...[...faults].map(([kind, count]) => row(kind, number(count), ...times(calm.filter((one) => one.kind === kind)))),
    row('undisturbed recoveries', number(ms(calm).length), ...times(calm)),
    row('all recoveries', number(ms(recoveries).length), ...times(recoveries)),
    ...[...unable].map(([kind, why]) => `  ${kind} LEFT OUT: ${why}`),
  ];
}

function row(kind: string, count: string, p50: string, p99: string): string {
  return `  ${kind.padEnd(22)} ${count.padStart(6)} ${p50.padStart(10)} ${p99.padStart(10)}`;
}

/** How long those took that have ended. */
function ms(recoveries: readonly Recovery[]): readonly number[] {
  return recoveries.flatMap(({ ms }) => (ms === undefined ? [] : [ms]));
}

function verdict({ violations, timeline, options }: Outcome): readonly string[] {
  if (violations.length === 0) return ['no acknowledged event lost, none stored twice, every gap told'];
  const kinds = new Map<string, number>();
  for (const { kind } of violations) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  return [
    `VIOLATED: ${[...kinds].map(([kind, count]) => `${kind} ${number(count)}`).join(', ')}`,
    ...violations.slice(0, toldMax).map(({ kind, what }) => `  ${kind}: ${what}`),
    ...(violations.length > toldMax ? [`  and ${number(violations.length - toldMax)} more`] : []),
    'the last that had happened:',
    ...timeline.slice(-timelineMax),
    `the same faults again, as far as real processes allow: npm run chaos -- --seed ${options.seed} --relay ${options.relay}` +
      ` --seconds ${options.seconds} --rate ${options.rate}`,
  ];
}

/** A line that says how far it is. */
export function progressLine(at: {
  readonly seconds: number;
  readonly of: number;
  readonly stored: number;
  readonly faults: number;
  readonly recoveries: readonly Recovery[];
}): string {
  const width = 20;
  const filled = Math.min(width, Math.round((at.seconds / at.of) * width));
  const recovered = at.recoveries.flatMap(({ ms }) => (ms === undefined ? [] : [ms]));
  return (
    `[${'█'.repeat(filled)}${'·'.repeat(width - filled)}] ${at.seconds.toFixed(0)} of ${at.of} s: ${number(at.stored)} events, ` +
    `${number(at.faults)} faults, ${number(recovered.length)} recoveries, p50 ${told(quantile(recovered, 0.5))}`
  );
}

/** The nearest rank: one of the values, with this share of them at or below it; undefined where there is none. */
export function quantile(values: readonly number[], share: number): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length * share) - 1)];
}

function told(ms: number | undefined): string {
  return ms === undefined ? '–' : `${seconds(ms)} s`;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(ms < 10_000 ? 2 : 1);
}

function number(value: number): string {
  return value.toLocaleString('en-GB');
}
