// What a delivery costs beside its peers: `npm run bench -- relay [--tools DIR] [--rounds N] [--only PART] [--large]
// [--disturbed]`.
import { parseArgs } from 'node:util';
import { compareAppends } from './append.ts';
import { batchEvents, median, publishers, type Burst, type Outcome, type Workload } from './burst.ts';
import { generatorOf } from './generators.ts';
import { measureResumes } from './resume.ts';
import { startBare, startFloor, startHono, startNchan, startRelay, type Server } from './servers.ts';
import { createTable } from './table.ts';

const { values: options } = parseArgs({
  // The first is this benchmark's name.
  args: process.argv.slice(3),
  options: {
    tools: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1.5' },
    only: { type: 'string' },
    large: { type: 'boolean', default: false },
    // Where the machine is never quiet: what others disturbed counts too, and only ratios are worth anything.
    disturbed: { type: 'boolean', default: false },
  },
});
const rounds = Number(options.rounds);
const seconds = Number(options.seconds);
/** Beyond, somebody else was at work: the burst is made again, at most so often. */
const otherCoresMax = options.disturbed ? Infinity : 0.35;
const triesMax = 3;
const idle = burstOf(5000, { kind: 'idle' });
const largest = options.large ? 10_000_000 : 1_000_000;

const table = createTable();
const { name: generatorName, generate } = generatorOf(options.tools);
const { only } = options;
const part = (name: string): boolean => only === undefined || name === only || name.startsWith(`${only}/`);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const godwit = await startRelay('os');
const synced = await startRelay('fsync');
const hono = await startHono();
const bare = await startBare();
const nchan = await startNchan();
const floor = await startFloor(options.tools);
say(`load by ${generatorName}; ${rounds} rounds, medians; CPU-seconds are the server's`);
if (nchan === undefined) say('Nchan is missing: apt-get install nginx libnginx-mod-nchan');
if (floor === undefined) say('the server in C is missing: --tools names a folder with csrv (and ssebench)');

try {
  await memory();
  for (const readers of [1000, 100, 5000]) await oneAtATime(readers);
  await pipelined();
  await batches();
  for (const perSecond of [20, 100]) await latency(perSecond);
  await acknowledgements();
} finally {
  for (const server of [godwit, synced, hono, bare, nchan, floor]) await server?.stop();
}
if (part('append')) {
  const { own, raw } = await compareAppends(rounds);
  say(`\nLog.append, 64 at once, an fsync each: ${own.toFixed(0)} events a second; raw node:sqlite ${raw.toFixed(0)}`);
  table.note('append against raw node:sqlite', own / raw, 0.8);
}
if (part('resume')) {
  const sizes = [1000, 10_000, 100_000, 1_000_000, 10_000_000].filter((size) => size <= largest);
  const figures = await measureResumes(sizes);
  say(`\nto resume 10 events behind, in a log of`);
  for (const [size, us] of figures)
    say(`  ${size.toLocaleString('en').padStart(10)} events ${us.toFixed(0).padStart(6)} µs`);
  // Flat: a log ten thousand times as large costs no more than twice as much, and that for the disk's caches.
  table.note('resume, 1,000 events against the most', (figures.get(1000) ?? 0) / (figures.get(largest) ?? 1), 0.5);
}
say(`\n(${process.version}, ${process.arch})`);
say(JSON.stringify({ bench: 'relay', ...table.result() }));

/** Deliveries for a CPU-second of the server, of each in turn. */
async function perCpu(
  title: string,
  servers: readonly (Server | undefined)[],
  burst: Burst,
): Promise<ReadonlyMap<string, number>> {
  const outcomes = await alternate(servers, burst);
  say(`\n${title}`);
  const figures = new Map<string, number>();
  for (const [name, its] of outcomes) {
    const figure = median(its.map(({ deliveries, cpuSeconds }) => deliveries / cpuSeconds));
    figures.set(name, figure);
    const perSecond = median(its.map((outcome) => outcome.deliveries / outcome.seconds));
    say(
      `  ${name.padEnd(16)}${thousands(figure)} a CPU-second ${thousands(perSecond)} a second  (${its.length} bursts)`,
    );
  }
  return figures;
}

/** All servers take turns, so that what disturbs one disturbs all. */
async function alternate(
  servers: readonly (Server | undefined)[],
  burst: Burst,
): Promise<ReadonlyMap<string, readonly Outcome[]>> {
  const outcomes = new Map<string, Outcome[]>();
  const all = servers.filter((server) => server !== undefined);
  for (let round = 0; round < rounds; round += 1) {
    for (const server of all) {
      const outcome = await undisturbed(server, burst);
      if (outcome !== undefined) outcomes.set(server.name, [...(outcomes.get(server.name) ?? []), outcome]);
    }
  }
  return outcomes;
}

async function undisturbed(server: Server, burst: Burst): Promise<Outcome | undefined> {
  for (let tries = 0; tries < triesMax; tries += 1) {
    const outcome = await generate(server.target(burst), burst);
    if (outcome.wrong > 0) throw new Error(`${server.name}: ${outcome.wrong} deliveries are missing, or came twice`);
    if (outcome.otherCores <= otherCoresMax) return outcome;
  }
  return undefined;
}

async function memory(): Promise<void> {
  if (!part('memory')) return;
  // Of processes that have served nobody yet: what earlier readers have left behind would be taken again.
  const outcomes = await Promise.all(
    [godwit, nchan]
      .filter((server) => server !== undefined)
      .map(async (server) => [server.name, await generate(server.target(idle), idle)] as const),
  );
  say('\nresident memory of an idle connection, of 5,000');
  for (const [name, { bytesPerReader }] of outcomes) {
    const kib = bytesPerReader / 1024;
    say(`  ${name.padEnd(16)}${kib.toFixed(1)} KiB`);
    if (name === godwit.name) table.note('12 KiB against an idle connection', 12 / kib, 1);
  }
}

async function oneAtATime(readers: number): Promise<void> {
  if (!part(`one/${readers}`)) return;
  const isMain = readers === 1000;
  const all = isMain ? [godwit, nchan, bare, hono, floor, synced] : [godwit, nchan, bare];
  const burst = burstOf(readers, { kind: 'one at a time' });
  const figures = await perCpu(`one at a time, ${readers} readers`, all, burst);
  const own = figures.get('godwit') ?? Number.NaN;
  const against = (peer: string, target: number): void => {
    const its = figures.get(peer);
    if (its !== undefined) table.note(`one at a time, ${readers} readers, against ${peer}`, own / its, target);
  };
  against('Nchan', isMain ? 1.2 : 1);
  const [least, nchans] = [figures.get(bare.name), figures.get('Nchan')];
  if (least !== undefined && nchans !== undefined)
    table.bound(`one at a time, ${readers} readers, bare node:http against Nchan`, least / nchans);
  if (!isMain) return;
  against('Hono streamSSE', 3);
  against('C', 0.55);
}

async function pipelined(): Promise<void> {
  if (!part('pipelined')) return;
  const figures = await perCpu(
    'pipelined, 1,000 readers',
    [godwit, nchan],
    burstOf(1000, { kind: 'pipelined', publishers }),
  );
  const [own, peer] = [figures.get('godwit'), figures.get('Nchan')];
  if (own !== undefined && peer !== undefined) table.note('pipelined, against Nchan', own / peer, 20);
}

async function batches(): Promise<void> {
  if (!part('batches')) return;
  const burst = burstOf(1000, { kind: 'batches', events: batchEvents });
  const figures = await perCpu('batches of 100, 1,000 readers', [godwit], burst);
  table.note('batches, against 5,000,000 a CPU-second', (figures.get('godwit') ?? Number.NaN) / 5_000_000, 1);
}

async function latency(perSecond: number): Promise<void> {
  if (!part(`latency/${perSecond}`)) return;
  const outcomes = await alternate([godwit, nchan, bare], burstOf(1000, { kind: 'rate', perSecond }, 3));
  say(`\nfrom publisher to reader, ${perSecond} events a second, 1,000 readers`);
  const figures = [...outcomes].map(([name, its]) => {
    const p50 = median(its.map(({ deliveredP50Us }) => deliveredP50Us));
    const p99 = median(its.map(({ deliveredP99Us }) => deliveredP99Us));
    say(`  ${name.padEnd(16)}p50 ${p50.toFixed(0).padStart(7)} µs, p99 ${p99.toFixed(0).padStart(7)} µs`);
    return { name, p50, p99 };
  });
  const [own, peer] = ['godwit', 'Nchan'].map((name) => figures.find((its) => its.name === name));
  if (own === undefined || peer === undefined) return;
  table.note(`p50 at ${perSecond} a second, Nchan's against ours`, peer.p50 / own.p50, 1);
  table.note(`p99 at ${perSecond} a second, Nchan's against ours`, peer.p99 / own.p99, 1 / 1.5);
  const least = figures.find(({ name }) => name === bare.name);
  if (least === undefined) return;
  table.bound(`p50 at ${perSecond} a second, Nchan's against bare node:http's`, peer.p50 / least.p50);
}

async function acknowledgements(): Promise<void> {
  if (!part('acknowledgements')) return;
  const rate: Workload = { kind: 'rate', perSecond: 100 };
  const p99 = async (readers: number): Promise<number> => {
    const [[, its] = []] = await alternate([godwit], burstOf(readers, rate, 3));
    return median((its ?? []).map(({ ackP99Us }) => ackP99Us));
  };
  const [without, beside] = [await p99(0), await p99(1000)];
  const title = '\nacknowledgement of a POST, p99, 100 a second:';
  if (Number.isNaN(without) || Number.isNaN(beside)) return say(`${title} not measured, the machine was never quiet`);
  say(`${title} ${without.toFixed(0)} µs alone, ${beside.toFixed(0)} µs while 1,000 readers are served`);
  table.note('acknowledgement alone against beside 1,000 readers', without / beside, 1 / 5);
}

function burstOf(readers: number, workload: Workload, its = seconds): Burst {
  return { readers, workload, seconds: its };
}

function thousands(figure: number): string {
  return Math.round(figure).toLocaleString('en').padStart(12);
}
