// `npm run sim`: many seeds, each a world of its own; what fails is made small and told with the command that plays it again.
import { parseArgs } from 'node:util';
import { isFaultKind, shrink, simulate, type PlanBounds, type SimReport } from '../src/testing/sim/index.ts';
import { playHere, playOn } from './pool.ts';
import { addReport, emptyTotals, linesOf, unmet } from './totals.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    steps: { type: 'string' },
    devices: { type: 'string' },
    tabs: { type: 'string' },
    without: { type: 'string' },
    // How many seeds are played at the same time, each on a thread of its own.
    threads: { type: 'string', default: '1' },
    'keep-going': { type: 'boolean', default: false },
    // Neither shrinks what fails, nor tells of what did not.
    quick: { type: 'boolean', default: false },
  },
});

const numberOf = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));
const bounds: PlanBounds = {
  stepsMax: numberOf(values.steps),
  devicesMax: numberOf(values.devices),
  tabsMax: numberOf(values.tabs),
  without: values.without?.split(',').filter(isFaultKind),
};
const write = (line: string): void => void process.stdout.write(`${line}\n`);

if (values.seed === undefined) await many(Number(values.from), Number(values.seeds));
else await one(Number(values.seed));

async function one(seed: number): Promise<void> {
  const report = await simulate(seed, { ...bounds, timeline: true });
  for (const line of report.timeline) write(line);
  write('');
  write(describe(report));
  if (report.violation !== undefined) process.exitCode = 1;
}

async function many(from: number, seeds: number): Promise<void> {
  const totals = emptyTotals();
  const begun = performance.now();
  let told = begun;
  const threads = Number(values.threads);
  const its = { from, count: seeds, bounds };
  for await (const report of threads > 1 ? playOn(threads, its) : playHere(its)) {
    const { seed } = report;
    addReport(totals, report);
    if (report.violation !== undefined) {
      process.exitCode = 1;
      write(`seed ${seed}: ${report.violation}`);
      if (!values.quick) await explain(seed);
      if (!values['keep-going']) break;
    }
    // Who waits for it knows that it goes on.
    if (values.quick && seed % 10 === 0) write(`at seed ${seed}`);
    if (!values.quick && performance.now() - told > 2000) {
      told = performance.now();
      progress(totals.seeds, seeds, begun);
    }
  }
  const seconds = (performance.now() - begun) / 1000;
  write('');
  for (const line of linesOf(totals, seconds)) write(line);
  // So many seeds draw everything, unless it cannot strike any more.
  if (seeds >= 500 && !values.quick && values.without === undefined && unmet(totals).length > 0) process.exitCode = 1;
}

function progress(done: number, seeds: number, begun: number): void {
  const width = 30;
  const filled = Math.round((done / seeds) * width);
  const rate = (done / (performance.now() - begun)) * 1000;
  write(`[${'█'.repeat(filled)}${'·'.repeat(width - filled)}] ${done} of ${seeds}, ${rate.toFixed(0)} seeds/s`);
}

async function explain(seed: number): Promise<void> {
  const small = await shrink(seed, bounds);
  if (small === undefined) return write('it does not fail again: the run is not deterministic');
  write(`shrunk in ${small.runs} runs; the last lines of its timeline:`);
  for (const line of small.report.timeline.slice(-40)) write(`  ${line}`);
  write(describe(small.report));
  const { stepsMax, devicesMax, tabsMax, without } = small.bounds;
  const options = [
    ['steps', stepsMax],
    ['devices', devicesMax],
    ['tabs', tabsMax],
    ['without', without?.join(',')],
  ].flatMap(([name, value]) => (value === undefined || value === '' ? [] : [` --${name} ${value}`]));
  write(`play it again: npm run sim -- --seed ${seed}${options.join('')}`);
}

function describe({ seed, plan, violation, elapsedMs, stored, faults }: SimReport): string {
  const its = [...faults].map(([kind, count]) => `${kind} ${count}`).join(', ');
  return (
    `seed ${seed}: ${violation ?? 'every check passed'}; ${plan.temper}, ${plan.steps} steps in ${(elapsedMs / 1000).toFixed(0)} s ` +
    `of its own time, ${stored} events at the relay; faults: ${its === '' ? 'none' : its}`
  );
}
