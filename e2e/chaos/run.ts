// `npm run chaos`: real browsers, a real relay, lines between them, and everything that can go wrong with any of these; a
// journal on the side says in the end whether anything that was promised did not hold.
import { createDice, mulberry32 } from '@godwit/core/testing';
import { compare, lostInMemory, type Violation } from './compare.ts';
import { wreak, type Havoc } from './havoc.ts';
import { publisherName } from './journal.ts';
import { readOptions, type Options } from './options.ts';
import { watchRecoveries, type Recoveries } from './recoveries.ts';
import { briefKept } from './relays.ts';
import { linesOf, progressLine, type Outcome } from './report.ts';
import { comeToRest } from './rest.ts';
import { buildStage, type Stage } from './stage.ts';

const progressEveryMs = 5000;
/** How exactly recoveries are timed, beside the tenth of a second in which tabs tell. */
const lookEveryMs = 25;

const write = (line: string): void => void process.stdout.write(`${line}\n`);
const options = readOptions(process.argv.slice(2), () => Math.floor(Math.random() * 1_000_000));
const outcome = await run(options);
// Whatever still holds this process is a browser's or a relay's end, and nothing is to be learnt from that.
process.exit(outcome.violations.length === 0 ? 0 : 1);

async function run(options: Options): Promise<Outcome> {
  const dice = createDice(mulberry32(options.seed));
  write(`chaos: relay ${options.relay}, seed ${options.seed}, ${options.seconds} s, ${options.rate} events a second`);
  const begun = performance.now();
  const stage = await buildStage(options, dice);
  write(`everything stands after ${((performance.now() - begun) / 1000).toFixed(1)} s`);
  const recoveries = watchRecoveries(Date.now, (who) =>
    who === publisherName ? stage.audit.storedAt(who) : Math.min(stage.audit.storedAt(who), stage.journal.heardAt(who)),
  );
  const looking = setInterval(() => recoveries.look(), lookEveryMs);
  const from = performance.now();
  const havoc = wreak({
    stage,
    dice,
    recoveries,
    only: options.only,
    told: (line) => {
      if (options.timeline) write(line);
    },
  });
  await until(from + options.seconds * 1000, () => report(stage, havoc, recoveries, from));
  await havoc.end();
  const restless = await comeToRest(stage);
  clearInterval(looking);
  const outcome = judge(stage, { havoc, recoveries, restless, elapsedMs: performance.now() - from });
  write('');
  for (const line of linesOf(outcome)) write(line);
  await stage.remove();
  return outcome;
}

async function until(end: number, report: () => void): Promise<void> {
  const telling = setInterval(report, progressEveryMs);
  await new Promise((resolve) => setTimeout(resolve, end - performance.now()));
  clearInterval(telling);
}

function report({ audit }: Stage, { counts }: Havoc, { all }: Recoveries, from: number): void {
  const stored = [...audit.logs.values()].reduce((sum, { events }) => sum + events.length, 0);
  const faults = [...counts.values()].reduce((sum, count) => sum + count, 0);
  write(
    progressLine({
      seconds: (performance.now() - from) / 1000,
      of: options.seconds,
      stored,
      faults,
      recoveries: all,
    }),
  );
}

function judge(
  { journal, audit, publisher }: Stage,
  parts: {
    readonly havoc: Havoc;
    readonly recoveries: Recoveries;
    readonly restless: readonly Violation[];
    readonly elapsedMs: number;
  },
): Outcome {
  const { kept, handled, refused } = journal;
  const { logs } = audit;
  const { havoc, recoveries, restless, elapsedMs } = parts;
  const stories = [...journal.tabs.values()];
  const heard = stories.flatMap(({ heard }) => heard);
  const gaps = heard.flatMap((item) => ('missed' in item ? [item.missed ?? 0] : []));
  return {
    options,
    elapsedMs,
    kept: kept.length,
    stored: [...logs.values()].reduce((sum, { events }) => sum + events.length, 0),
    heard: heard.length - gaps.length,
    gaps: { told: gaps.length, missed: gaps.reduce((sum, count) => sum + count, 0) },
    handled: [...handled.values()].reduce((sum, { size }) => sum + size, 0),
    tabs: stories.length,
    repeated: publisher.repeated,
    lostInMemory: lostInMemory({ kept, logs }),
    refused,
    faults: havoc.counts,
    unable: havoc.unable,
    recoveries: recoveries.all,
    violations: [
      ...havoc.failures.map((what): Violation => ({ kind: 'not struck or healed', what })),
      ...restless,
      ...compare({ logs, kept, tabs: stories, handled, briefKept }),
    ],
    timeline: havoc.timeline,
  };
}
