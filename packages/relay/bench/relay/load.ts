// A load generator: readers that count, publishers that time. A process of its own, which gets a target and a burst as JSON.
import { setTimeout as after } from 'node:timers/promises';
import { openPublisher } from './load/publisher.ts';
import { openReaders } from './load/readers.ts';
import { nowUs, writeEvents } from './load/events.ts';
import { quantile, type Burst, type Outcome, type Target } from './burst.ts';
import { busySeconds, cpuSecondsOf, residentBytesOf } from './processes.ts';

/** Not counted: until code is compiled and windows are open. */
const warmUpS = 0.5;
/** Memory is read once a server has settled. */
const settleMs = 400;
/** What has not arrived by then will not. */
const patienceMs = 5000;

const [target, burst] = JSON.parse(process.argv[2] ?? '[]') as [Target, Burst];
const outcome = await run(target, burst);
process.stdout.write(`${JSON.stringify(outcome)}\n`, () => process.exit(0));

async function run(target: Target, { readers: count, workload, seconds }: Burst): Promise<Outcome> {
  const residentBefore = residentBytesOf(target.pid);
  const readers = await openReaders(target, count);
  await after(settleMs);
  const bytesPerReader = count === 0 ? 0 : (residentBytesOf(target.pid) - residentBefore) / count;
  const acks: number[] = [];
  let sent = 0;
  const events = workload.kind === 'batches' ? workload.events : 1;
  const publishers = await Promise.all(
    Array.from({ length: workload.kind === 'pipelined' ? workload.publishers : 1 }, () => openPublisher(target)),
  );

  /** Publishes until `until`, in the way of the workload. */
  const publish = async (until: number): Promise<void> => {
    if (workload.kind === 'rate') {
      const under: Promise<void>[] = [];
      for (let due = nowUs(); due < until; due += 1e6 / workload.perSecond) {
        await after(Math.max(0, (due - nowUs()) / 1000));
        under.push(post(0, due));
      }
      await Promise.all(under);
    } else {
      await Promise.all(
        publishers.map(async (_, index) => {
          while (nowUs() < until) {
            await post(index, nowUs());
            if (workload.kind === 'one at a time') await readers.have(sent, patienceMs);
          }
        }),
      );
    }
  };
  const post = async (publisher: number, at: number): Promise<void> => {
    const body = writeEvents(target.template, sent, events, at);
    sent += events;
    const before = nowUs();
    await publishers[publisher]?.post(body);
    acks.push(nowUs() - before);
  };

  if (workload.kind === 'idle') {
    await post(0, nowUs());
    await readers.have(sent, patienceMs);
  } else await publish(nowUs() + warmUpS * 1e6);
  await readers.have(sent, patienceMs);
  acks.length = 0;
  readers.begin();
  const first = sent;
  const [cpu, busy, own, begun] = [cpuSecondsOf(target.pid), busySeconds(), process.cpuUsage(), nowUs()];
  if (workload.kind !== 'idle') await publish(begun + seconds * 1e6);
  await readers.have(sent, patienceMs);
  const took = (nowUs() - begun) / 1e6;
  const cpuSeconds = cpuSecondsOf(target.pid) - cpu;
  const { user, system } = process.cpuUsage(own);
  const { counted, latenciesUs } = readers;
  return {
    deliveries: counted,
    wrong: Math.abs((sent - first) * count - counted),
    seconds: took,
    cpuSeconds,
    otherCores: Math.max(0, (busySeconds() - busy - cpuSeconds - (user + system) / 1e6) / took),
    ackP50Us: quantile(acks, 0.5),
    ackP99Us: quantile(acks, 0.99),
    deliveredP50Us: quantile(latenciesUs, 0.5),
    deliveredP99Us: quantile(latenciesUs, 0.99),
    bytesPerReader,
  };
}
