// A million events in one mailbox: what they hold while they wait, what is left when they are gone, and the cost of each.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { createDispatcher } from '../../src/dispatcher/index.ts';

/** How a mailbox took `count` events and gave them back. */
export interface MailboxFigures {
  readonly count: number;
  readonly enqueueNs: number;
  readonly drainNs: number;
  readonly waitingMb: number;
  readonly leftMb: number;
}

/** Fills a mailbox while its handler waits, and drains it. */
export async function fillAndDrain(create: typeof createDispatcher, count: number): Promise<MailboxFigures> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const heapMb = (): number => {
    collect();
    return process.memoryUsage().heapUsed / 2 ** 20;
  };
  const dispatcher = create<{ n: number }>();
  let heard = 0;
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  dispatcher.on(
    'n',
    async () => {
      if (heard === 0) await gate;
      heard += 1;
    },
    { capacity: Infinity },
  );
  dispatcher.dispatch('n', -1);
  const before = heapMb();
  const filled = timed(() => {
    for (let n = 0; n < count; n += 1) dispatcher.dispatch('n', n);
  });
  const waiting = heapMb();
  open();
  const begun = performance.now();
  await dispatcher.close({ timeoutMs: Infinity });
  const drained = performance.now() - begun;
  if (heard !== count + 1) throw new Error(`${heard} of ${count + 1} were handled`);
  return {
    count,
    enqueueNs: (filled * 1e6) / count,
    drainNs: (drained * 1e6) / count,
    waitingMb: waiting - before,
    leftMb: heapMb() - before,
  };
}

function timed(work: () => void): number {
  const begun = performance.now();
  work();
  return performance.now() - begun;
}
