// How fast the dispatcher is beside the emitters that it replaces: `npm run bench -- dispatch`.
import { loadBundle } from './bundle.ts';
import { among, awaited, compiled, fireAndForget, ledger } from './contenders.ts';
import { fillAndDrain } from './mailbox.ts';
import { measure, type Times } from './measure.ts';

const { createDispatcher, withWaiting } = await loadBundle();
const counts = [1, 10, 100];
const ratios: Record<string, number> = {};
const targets: Record<string, number> = {};

function note(name: string, ratio: number, target: number): void {
  ratios[name] = Math.round(ratio * 100) / 100;
  targets[name] = target;
}

function show(title: string, times: Times): void {
  const own = times['godwit'] ?? Number.NaN;
  process.stdout.write(`\n${title}\n`);
  for (const [name, ns] of Object.entries(times).sort(([, a], [, b]) => a - b)) {
    process.stdout.write(
      `  ${name.padEnd(24)}${ns.toFixed(1).padStart(10)} ns  ${(ns / own).toFixed(2).padStart(7)} ×\n`,
    );
  }
}

/** All sizes once, so that no contender is measured with code that has seen only one of them. */
for (const count of counts) {
  for (const contender of Object.values(fireAndForget(createDispatcher, count))) await contender(100_000 / count);
}

for (const count of counts) {
  const contenders = fireAndForget(createDispatcher, count);
  const tseep = await compiled(count);
  const times = await measure(tseep === undefined ? contenders : { ...contenders, 'tseep (compiles code)': tseep });
  show(`fire and forget, ${count} synchronous handler${count === 1 ? '' : 's'}`, times);
  const peers = Object.keys(contenders).filter((name) => name !== 'godwit');
  const fastest = Math.min(...peers.map((name) => times[name] ?? Infinity));
  note(`fire and forget, ${count}`, fastest / (times['godwit'] ?? Number.NaN), count === 1 ? 0.9 : 1);
}

for (const asynchronous of [false, true]) {
  for (const count of counts) {
    const times = await measure(awaited(createDispatcher, withWaiting, count, asynchronous));
    const kind = asynchronous ? 'asynchronous' : 'synchronous';
    show(`awaited, ${count} ${kind} handler${count === 1 ? '' : 's'}`, times);
    note(
      `awaited, ${count} ${kind}`,
      (times['emittery'] ?? Number.NaN) / (times['godwit'] ?? Number.NaN),
      asynchronous ? 3 : 8,
    );
  }
}

const patterns = await measure({
  'exact, no patterns': among(createDispatcher, 'order.placed', 0),
  'exact, 1,000 patterns': among(createDispatcher, 'order.placed', 1000),
  'pattern, 1,000 patterns': among(createDispatcher, 'order.*', 1000),
});
show('one handler among 1,000 patterns', { godwit: patterns['exact, no patterns'] ?? Number.NaN, ...patterns });
// The same cost is 1; 0.8 leaves room for what a clock of nanoseconds cannot tell.
note(
  'pattern against exact, 1,000 patterns',
  (patterns['exact, 1,000 patterns'] ?? Number.NaN) / (patterns['pattern, 1,000 patterns'] ?? Number.NaN),
  0.8,
);

const small = await fillAndDrain(createDispatcher, 100_000);
const large = await fillAndDrain(createDispatcher, 1_000_000);
process.stdout.write('\na mailbox filled, and drained\n');
for (const { count, enqueueNs, drainNs, waitingMb, leftMb } of [small, large]) {
  process.stdout.write(
    `  ${count.toLocaleString('en').padStart(9)} events: ${enqueueNs.toFixed(0)} ns in, ${drainNs.toFixed(0)} ns out each; ` +
      `${waitingMb.toFixed(1)} MB waiting, ${leftMb.toFixed(1)} MB left\n`,
  );
}
// O(1): an event costs the same with ten times as many before it, but for the memory's own caches.
note(
  'mailbox, cost of 100,000 against 1,000,000',
  (small.enqueueNs + small.drainNs) / (large.enqueueNs + large.drainNs),
  0.5,
);
note('mailbox, memory given back', 1 - large.leftMb / large.waitingMb, 0.98);

const short = Object.keys(targets).filter((name) => !((ratios[name] ?? 0) >= (targets[name] ?? 0)));
process.stdout.write(`\n(${process.version}, ${process.arch}; the handlers added up to ${ledger.sum})\n`);
process.stdout.write(`${JSON.stringify({ bench: 'dispatch', ratios, targets, short })}\n`);
