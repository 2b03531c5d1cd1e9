// What is built on the dispatcher, and beside it, loses nothing either: random interleavings under a virtual clock.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Failure, isFailure } from '../failure.ts';
import { createTestWorld } from '../testing/world.ts';
import { createBatcher } from './batcher/batcher.ts';
import { type Broker, createBroker } from './broker/broker.ts';
import type { HandlerCounts } from './counts.ts';
import { dropNewest, dropOldest, keepLatest, rejectWhenFull } from './overflow.ts';
import { createProcessor } from './queue/processor.ts';
import { createHandQueue } from './queue/queue.ts';

/** The same interleavings each time: a test that fails now and then helps nobody. Others are a number away. */
const seed = 20261129;

function sum({ delivered, filtered, failed, pending, ...dropped }: Readonly<HandlerCounts>): number {
  const { overflow, superseded, detached, closed, cancelled } = dropped;
  return delivered + filtered + failed + pending + overflow + superseded + detached + closed + cancelled;
}

/** Does it, unless that is refused by one of these names. Answers whether it was done. */
function attempt(work: () => unknown, ...names: readonly Failure['name'][]): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (!isFailure(error) || !names.includes(error.name)) throw error;
    return false;
  }
}

const ms = fc.constantFrom(0, 3, 7);

test('a broker, too, counts every event of every subscriber: sent, skipped, failed or dropped with a reason', async () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.constant({ do: 'publish' as const }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('subscribe' as const),
        capacity: fc.nat(3),
        onSlow: fc.constantFrom('skip' as const, 'disconnect' as const),
        sendMs: fc.constantFrom(0, 3, Infinity),
        fails: fc.boolean(),
        filter: fc.constantFrom('all' as const, 'odd' as const, 'throws' as const),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), which: fc.nat(5) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(9) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), fc.boolean(), async (steps, held) => {
      const world = createTestWorld();
      const broker = createBroker<number>({ world, report: () => {}, held });
      const leave: (() => boolean)[] = [];
      /** Who is there, and how many events at once make it too slow to stay: one is being sent, some wait, one is too many. */
      const present = new Map<object, number>();
      const closes: string[] = [];
      let n = 0;
      /** Events that subscribers were meant to get, and sends that ended well or not, as they saw it themselves. */
      const seen = { meant: 0, sent: 0, failed: 0, running: 0, filtered: 0 };
      for (const step of steps) {
        if (step.do === 'publish') {
          if (!held) seen.meant += broker.stats().subscriberCount;
          broker.publish('n', (n += 1));
        } else if (step.do === 'leave') leave[step.which]?.();
        else if (step.do === 'pass') await world.advance(step.ms);
        else {
          let last = 0;
          const key = {};
          present.set(key, step.onSlow === 'disconnect' && step.filter === 'all' ? step.capacity + 2 : Infinity);
          leave.push(
            broker.subscribe(
              {
                send: async (event) => {
                  expect(event).toBeGreaterThan(last);
                  last = event;
                  seen.running += 1;
                  await new Promise<void>((resolve) => world.after(step.sendMs, resolve));
                  seen.running -= 1;
                  seen[step.fails ? 'failed' : 'sent'] += 1;
                  if (step.fails) throw new Error('broken pipe');
                },
                close: (reason) => {
                  present.delete(key);
                  closes.push(reason);
                },
              },
              {
                capacity: step.capacity,
                // Of what is filtered, how much makes it too slow is not foretold.
                onSlow: step.filter === 'all' ? step.onSlow : 'skip',
                filter(event) {
                  if (step.filter === 'all' || event % 2 === 1) return true;
                  if (step.filter === 'odd') seen.filtered += 1;
                  else seen.failed += 1;
                  if (step.filter === 'throws') throw new Error('undecided');
                  return false;
                },
              },
            ),
          );
        }
        for (const counts of broker.stats().subscribers) expect(sum(counts)).toBe(counts.passed);
      }
      if (held) {
        // All at once: no send ends meanwhile, so each is meant to get what it stays for.
        for (const most of present.values()) seen.meant += Math.min(n, most);
        broker.start();
      }
      const closing = broker.close({ timeoutMs: 50 });
      await world.advance(50);
      await closing;
      const { published, subscriberCount, sent, filtered, skipped, failed, disconnected, dropped, queueDepth } =
        broker.stats();
      expect(published).toBe(n);
      expect(subscriberCount).toBe(0);
      expect({ sent, filtered, failed, skipped }).toEqual({
        sent: seen.sent,
        filtered: seen.filtered,
        failed: seen.failed,
        skipped: dropped.overflow,
      });
      // What still runs is a send that never ends.
      expect(queueDepth).toBe(seen.running);
      const drops = Object.values(dropped).reduce((total, count) => total + count, 0);
      expect(sent + filtered + failed + drops + queueDepth).toBe(seen.meant);
      expect(closes).toHaveLength(leave.length);
      expect(closes.filter((reason) => reason === 'disconnected')).toHaveLength(disconnected);
    }),
    { numRuns: 60, seed },
  );
});

test('a broker whose transports subscribe, leave, publish and close it while they send: every event has its place in the sum', async () => {
  const behaviour = fc.constantFrom('sends', 'leaves', 'subscribes', 'publishes', 'closes', 'throws', 'hangs');
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.constant({ do: 'publish' as const }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('subscribe' as const), behaviour, capacity: fc.nat(3), ms }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ms }) },
    { weight: 1, arbitrary: fc.constant({ do: 'start' as const }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), fc.boolean(), async (steps, held) => {
      const world = createTestWorld();
      const broker: Broker<number> = createBroker({ world, report: () => {}, held });
      let [n, accepted, subscribed, running, ended] = [0, 0, 0, 0, 0];
      const closes: string[] = [];
      const publish = (): void => {
        if (attempt(() => broker.publish('n', (n += 1)), 'Closed')) accepted += 1;
      };
      const subscribe = (what: string, capacity: number, ms: number): void => {
        let last = 0;
        const send = async (event: number): Promise<void> => {
          expect(event).toBeGreaterThan(last);
          last = event;
          running += 1;
          if (what === 'leaves') leave?.();
          if (what === 'subscribes' && event % 3 === 0) subscribe('sends', 1, 3);
          if (what === 'publishes' && event < 300) publish();
          if (what === 'closes' && event % 5 === 0) void broker.close({ timeoutMs: 10 });
          await new Promise<void>((resolve) => world.after(what === 'hangs' ? Infinity : ms, resolve));
          running -= 1;
          ended += 1;
          if (what === 'throws') throw new Error('broken pipe');
        };
        const onSlow = capacity === 1 ? 'disconnect' : 'skip';
        let leave: (() => boolean) | undefined;
        const close = (reason: string): void => {
          closes.push(reason);
          // One that has a last word when it leaves, and is refused at the end.
          if (what === 'leaves') publish();
        };
        attempt(() => {
          leave = broker.subscribe({ send, close }, { capacity, onSlow });
          subscribed += 1;
        }, 'Closed');
      };
      const look = (): void => {
        const { published, passed, sent, filtered, failed, dropped, queueDepth, subscribers } = broker.stats();
        expect(published).toBe(accepted);
        for (const counts of subscribers) expect(sum(counts)).toBe(counts.passed);
        const drops = Object.values(dropped).reduce((total, count) => total + count, 0);
        // What is held before the start waits once, whoever is to hear it.
        expect(passed).toBeLessThanOrEqual(sent + filtered + failed + drops + queueDepth);
        expect(sent + failed).toBeLessThanOrEqual(ended);
      };
      for (const each of steps) {
        if (each.do === 'publish') publish();
        else if (each.do === 'pass') await world.advance(each.ms);
        else if (each.do === 'start') broker.start();
        else subscribe(each.behaviour, each.capacity, each.ms);
        look();
      }
      const closing = broker.close({ timeoutMs: 50 });
      await world.advance(100);
      await closing;
      look();
      const { subscriberCount, sent, failed, queueDepth } = broker.stats();
      expect({ subscriberCount, ended: sent + failed, queueDepth }).toEqual({
        subscriberCount: 0,
        ended,
        queueDepth: running,
      });
      expect(closes).toHaveLength(subscribed);
    }),
    { numRuns: 60, seed },
  );
});

test('a batcher hands over what it took, each once, in order, and in batches that are not too large', async () => {
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.constant({ do: 'add' as const }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1, 5, 20) }) },
    { weight: 1, arbitrary: fc.constantFrom({ do: 'flush' as const }, { do: 'close' as const }) },
  );
  const options = fc.record({
    sizeMax: fc.integer({ min: 1, max: 4 }),
    afterMs: fc.constantFrom(0, 4),
    room: fc.nat(3),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), options, ms, async (steps, options, ms) => {
      const world = createTestWorld();
      const { sizeMax, afterMs, room } = options;
      const [added, taken, late]: [number[], number[], unknown[]] = [[], [], []];
      let [reported, broken, taking] = [0, 0, 0];
      const batcher = createBatcher<number>({
        world,
        sizeMax,
        afterMs,
        capacity: sizeMax + room,
        report: () => (reported += 1),
        async flush(items) {
          expect((taking += 1)).toBe(1);
          expect(items.length).toBeGreaterThan(0);
          expect(items.length).toBeLessThanOrEqual(sizeMax);
          taken.push(...items);
          const [first = 0] = items;
          // From within, too: what is added while a batch is taken, and a flush that nobody waits for.
          if (first % 7 === 0) add();
          if (first % 11 === 0) late.push(batcher.flush());
          await new Promise<void>((resolve) => world.after(ms, resolve));
          taking -= 1;
          if (first % 5 > 0) return;
          broken += 1;
          throw new Error('disk full');
        },
      });
      let n = 0;
      const add = (): void => {
        // Adding may hand over at once, and that may add.
        const mine = (n += 1);
        if (attempt(() => batcher.add(mine), 'Closed', 'QueueFull')) added.push(mine);
      };
      for (const each of steps) {
        if (each.do === 'add') add();
        else if (each.do === 'pass') await world.advance(each.ms);
        else late.push(batcher[each.do]());
        expect(taken.length + batcher.size).toBe(added.length);
      }
      late.push(batcher.close());
      await world.advance(1000);
      await Promise.all(late);
      expect(taken).toEqual([...added].sort((a, b) => a - b));
      expect(reported).toBe(broken);
      expect([batcher.size, world.timers]).toEqual([0, 0]);
    }),
    { numRuns: 100, seed },
  );
});

test('a processor does every task that it took, in order, by as many workers as it has, or says why not', async () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom({ do: 'submit' as const }, { do: 'process' as const }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ms }) },
  );
  const policies = [() => rejectWhenFull, () => () => {}, () => dropNewest, () => dropOldest, () => keepLatest()];
  const options = fc.record({
    workers: fc.integer({ min: 1, max: 3 }),
    capacity: fc.nat(3),
    overflow: fc.constantFrom(...policies),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60, size: 'max' }),
      options,
      fc.boolean(),
      async (steps, options, drains) => {
        const world = createTestWorld();
        const { workers, capacity, overflow } = options;
        let [n, running, done, failed] = [0, 0, 0, 0];
        const begun: number[] = [];
        const processor = createProcessor<number>(
          async (task) => {
            begun.push(task);
            expect((running += 1)).toBeLessThanOrEqual(workers);
            await new Promise<void>((resolve) => world.after(task % 4, resolve));
            running -= 1;
            if (task % 5 === 0) failed += 1;
            else done += 1;
            if (task % 5 === 0) throw new Error('bad input');
          },
          { world, report: () => {}, workers, capacity, overflow: overflow() },
        );
        const told: Promise<unknown>[] = [];
        for (const each of steps) {
          if (each.do === 'submit') processor.submit((n += 1));
          else if (each.do === 'pass') await world.advance(each.ms);
          else told.push(processor.process((n += 1), { timeoutMs: 30 }).catch(() => undefined));
          const counts = processor.counts();
          expect({ passed: counts.passed, sum: sum(counts) }).toEqual({ passed: n, sum: n });
        }
        const closing = processor.close({ timeoutMs: drains ? 1000 : 0 });
        await world.advance(1000);
        await closing;
        await Promise.all(told);
        const counts = processor.counts();
        expect({ passed: counts.passed, sum: sum(counts), pending: counts.pending }).toEqual({
          passed: n,
          sum: n,
          pending: 0,
        });
        expect({ delivered: counts.delivered, failed: counts.failed }).toEqual({ delivered: done, failed });
        if (drains) expect(counts.closed).toBe(0);
        expect(begun).toEqual([...begun].sort((a, b) => a - b));
      },
    ),
    { numRuns: 100, seed },
  );
});

test('a queue flushed by hand: what was added was handled once and in order, was cleared, or still waits', async () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.constant({ do: 'add' as const }) },
    { weight: 3, arbitrary: fc.constantFrom({ do: 'flush' as const }, { do: 'clear' as const }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ms }) },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60, size: 'max' }),
      fc.integer({ min: 1, max: 6 }),
      async (steps, capacity) => {
        const world = createTestWorld();
        const [added, handled, cleared, lost]: [number[], number[], number[], number[]] = [[], [], [], []];
        const told: Promise<unknown>[] = [];
        let [n, counted, misused, flushing] = [0, 0, 0, 0];
        const queue = createHandQueue<number>(
          async (item) => {
            expect((flushing += 1)).toBe(1);
            const clears = cleared.length;
            let isCleared = false;
            if (item % 6 === 0) flush();
            if (item % 7 === 0) isCleared = clear();
            if (item % 4 === 0) add();
            const before = clearings;
            await new Promise<void>((resolve) => world.after(item % 3, resolve));
            flushing -= 1;
            isCleared ||= clearings > before;
            expect(cleared.slice(clears)).not.toContain(item);
            // One in five fails, once: the next time it goes well.
            if (item % 5 === 0 && !failedOnce.has(item)) {
              failedOnce.add(item);
              if (isCleared) lost.push(item);
              throw new Error('not yet');
            }
            handled.push(item);
          },
          { capacity },
        );
        const failedOnce = new Set<number>();
        let clearings = 0;
        const add = (): void => {
          n += 1;
          if (attempt(() => queue.add(n), 'QueueFull')) added.push(n);
          expect(queue.size).toBeLessThanOrEqual(capacity);
        };
        const clear = (): boolean => {
          clearings += 1;
          cleared.push(...queue.clear());
          return true;
        };
        const flush = (): void => {
          const isMisused = flushing > 0;
          const flushed = queue.flush().then(
            (count) => (counted += count),
            (error: unknown) => (misused += isFailure(error, 'Misused') && isMisused ? 1 : 0),
          );
          told.push(flushed);
        };
        for (const each of steps) {
          if (each.do === 'add') add();
          else if (each.do === 'flush') flush();
          else if (each.do === 'clear') clear();
          else await world.advance(each.ms);
        }
        await world.advance(1000);
        await Promise.all(told);
        const waiting = queue.clear();
        expect([...handled, ...cleared, ...lost, ...waiting].sort((a, b) => a - b)).toEqual(added);
        expect(handled).toEqual([...handled].sort((a, b) => a - b));
        expect(counted).toBeLessThanOrEqual(handled.length);
      },
    ),
    { numRuns: 100, seed },
  );
});
