// Nothing is lost and nothing is out of order, whatever comes in between: random interleavings under a virtual clock.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isFailure } from '../failure.ts';
import { createTestWorld } from '../testing/world.ts';
import { createBroker } from './broker/broker.ts';
import type { HandlerCounts } from './counts.ts';
import { withWaiting } from './await.ts';
import type { Dispatcher } from './contract.ts';
import { createDispatcher } from './dispatcher.ts';
import type { HandlerOptions, Overflow } from './options.ts';
import { dropNewest, dropOldest, keepLatest, rejectWhenFull, waitForRoom } from './overflow.ts';
import { withStreams } from './stream/stream.ts';
import { withTimeouts } from './wrap/timeout.ts';

type Behaviour =
  | 'sync'
  | 'throws'
  | 'async'
  | 'slow'
  | 'rejects'
  | 'hangs'
  | 'sometimes'
  | 'stops itself'
  | 'dispatches'
  | 'subscribes'
  | 'closes';

const type = fc.constantFrom('a.x', 'a.y', 'b.x');
const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('dispatch' as const, 'await' as const, 'in sequence' as const),
      type,
      timeoutMs: fc.constantFrom(5, 50),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('on' as const),
      pattern: fc.constantFrom('a.x', 'a.*', '**', 'b.x'),
      behaviour: fc.constantFrom<Behaviour[]>(
        ...([
          'sync',
          'throws',
          'async',
          'slow',
          'rejects',
          'hangs',
          'sometimes',
          'stops itself',
          'dispatches',
          'subscribes',
          'closes',
        ] as const),
      ),
      options: fc.record(
        {
          capacity: fc.integer({ min: 0, max: 3 }),
          concurrency: fc.integer({ min: 1, max: 2 }),
          overflow: fc.constantFrom<(() => Overflow)[]>(
            () => waitForRoom,
            () => rejectWhenFull,
            () => dropNewest,
            () => dropOldest,
            () => keepLatest(),
          ),
          timeoutMs: fc.constant(20),
          once: fc.boolean(),
          filter: fc.constantFrom('odd' as const, 'throws' as const),
        },
        { requiredKeys: [] },
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('stop' as const), which: fc.nat(10) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 15 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('stream' as const), reads: fc.nat(3), isAcknowledged: fc.boolean() }),
  },
);

function sum({ delivered, filtered, failed, pending, ...dropped }: Readonly<HandlerCounts>): number {
  const { overflow, superseded, detached, closed, cancelled } = dropped;
  return delivered + filtered + failed + pending + overflow + superseded + detached + closed + cancelled;
}

function behave(
  behaviour: Behaviour,
  world: ReturnType<typeof createTestWorld>,
  dispatcher: Dispatcher<Record<string, number>>,
  stop: () => void,
): (n: number) => unknown {
  const later = (ms: number): Promise<void> => new Promise((resolve) => world.after(ms, resolve));
  const behaviours: Readonly<Record<Behaviour, (n: number) => unknown>> = {
    sync: () => undefined,
    throws: () => {
      throw new Error('thrown');
    },
    async: async () => {},
    slow: () => later(7),
    rejects: async () => {
      await later(3);
      throw new Error('rejected');
    },
    hangs: () => new Promise(() => {}),
    sometimes: (n) => (n % 2 === 0 ? later(4) : undefined),
    'stops itself': stop,
    dispatches: (n) => (n < 1000 ? dispatcher.dispatch('b.x', n + 1000) : undefined),
    subscribes: () => void dispatcher.on('a.y', () => {}, { once: true }),
    closes: (n) => (n % 4 === 0 ? void dispatcher.close({ timeoutMs: n % 3 === 0 ? 0 : 10 }) : undefined),
  };
  return behaviours[behaviour];
}

test('at rest, for every handler: passed = delivered + filtered + failed + dropped + pending; and each heard in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 60 }), fc.boolean(), async (actions, drains) => {
      const world = createTestWorld();
      const dispatcher = withTimeouts(
        withStreams(withWaiting(createDispatcher<Record<string, number>>({ world, report: () => {} }))),
      );
      const stops: (() => boolean)[] = [];
      const heard: number[][] = [];
      const order: number[] = [];
      const awaited: Promise<unknown>[] = [];
      let number = 0;
      let published = 0;
      let sequential = false;
      let hung = 0;
      /** Whether it was done, or refused because a handler has closed the dispatcher. */
      const attempt = (work: () => unknown): boolean => {
        try {
          work();
          return true;
        } catch (error) {
          if (!isFailure(error, 'Closed')) throw error;
          return false;
        }
      };
      /** What handlers and their filters saw themselves. */
      const observed = new Map<string, { calls: number; refused: number; broken: number }>();
      dispatcher.on('**', (n) => order.push(n));
      for (const step of actions) {
        if (step.do === 'pass') await world.advance(step.ms);
        else if (step.do === 'stop') stops[step.which]?.();
        else if (step.do === 'dispatch') {
          if (attempt(() => dispatcher.dispatch(step.type, (number += 1)))) published += 1;
        } else if (step.do === 'on') {
          const log: number[] = [];
          heard.push(log);
          const index = stops.length;
          const behaved = behave(step.behaviour, world, dispatcher, () => stops[index]?.());
          const { filter, overflow, timeoutMs, ...options } = step.options;
          const seen = { calls: 0, refused: 0, broken: 0 };
          observed.set(`handler ${index}`, seen);
          const decide = (n: number): boolean => {
            if (n % 2 === 1) return true;
            if (filter === 'odd') seen.refused += 1;
            else seen.broken += 1;
            if (filter === 'throws') throw new Error('undecided');
            return false;
          };
          const handlerOptions: HandlerOptions<number> = {
            ...options,
            name: `handler ${index}`,
            overflow: overflow?.(),
            filter: filter && decide,
          };
          const handler = (n: number): unknown => {
            log.push(n);
            seen.calls += 1;
            hung += step.behaviour === 'hangs' && timeoutMs === undefined ? 1 : 0;
            return behaved(n);
          };
          attempt(() => (stops[index] = dispatcher.on(step.pattern, handler, { ...handlerOptions, timeoutMs })));
        } else if (step.do === 'stream') {
          attempt(() => {
            const stream = dispatcher.events('a.*');
            stops.push(() => (stream.close(), true));
            const reader = step.isAcknowledged ? stream.acknowledged() : undefined;
            const read = async (): Promise<void> => {
              const { value } = await (reader?.next() ?? stream.next());
              // Of what it acknowledges it forgets every other event.
              if (value && 'done' in value && value.event.data % 2 === 0) value.done();
            };
            for (let count = 0; count < step.reads; count += 1) awaited.push(read());
          });
        } else {
          sequential ||= step.do === 'in sequence';
          const before = dispatcher.counts().published;
          awaited.push(
            dispatcher
              .dispatchAndWait(step.type, (number += 1), {
                timeoutMs: step.timeoutMs,
                sequential: step.do === 'in sequence',
              })
              .catch(() => undefined),
          );
          if (dispatcher.counts().published > before) published += 1;
        }
        const { total, handlers } = dispatcher.counts();
        for (const counts of [total, ...handlers]) expect(sum(counts)).toBe(counts.passed);
        for (const { name, delivered, failed, filtered, pending } of handlers) {
          const { calls, refused, broken } = observed.get(name) ?? {
            calls: delivered + failed,
            refused: filtered,
            broken: 0,
          };
          expect(filtered).toBe(refused);
          // What was called has ended, or is pending; what did neither was not called, or its filter threw.
          expect(calls + broken).toBeGreaterThanOrEqual(delivered + failed);
          expect(calls + broken).toBeLessThanOrEqual(delivered + failed + pending);
        }
      }
      await world.advance(100);
      const closing = dispatcher.close({ timeoutMs: drains ? 1000 : 0 });
      await world.advance(1000);
      await closing;
      // Every promise that was handed out has settled.
      await Promise.all(awaited);
      const { total, handlers, held, published: counted } = dispatcher.counts();
      expect(sum(total)).toBe(total.passed);
      // At rest nothing is pending but what will never end.
      expect(total.pending).toBeLessThanOrEqual(hung);
      expect(handlers).toEqual([]);
      expect(held).toBe(0);
      // What handlers dispatched comes on top, and is numbered from 1,000.
      expect(counted).toBeGreaterThanOrEqual(published);
      // One that is handed out in sequence takes its place in each mailbox when its turn comes.
      if (sequential) return;
      const place = new Map(order.map((n, index) => [n, index]));
      for (const log of heard) {
        const places = log.filter((n) => place.has(n)).map((n) => place.get(n) ?? -1);
        expect(places).toEqual([...places].sort((a, b) => a - b));
      }
    }),
    { numRuns: 300 },
  );
});

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
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), which: fc.nat(5) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(9) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.boolean(), async (steps, held) => {
      const world = createTestWorld();
      const broker = createBroker<number>({ world, report: () => {}, held });
      const leave: (() => boolean)[] = [];
      /** Who is there, and how many events at once make it too slow to stay: one is being sent, some wait, one is too many. */
      const present = new Map<object, number>();
      const closes: string[] = [];
      let n = 0;
      /** Events that subscribers were meant to get, and sends that ended well or not, as they saw it themselves. */
      const seen = { meant: 0, sent: 0, failed: 0, running: 0 };
      for (const step of steps) {
        if (step.do === 'publish') {
          if (!held) seen.meant += broker.stats().subscriberCount;
          broker.publish('n', (n += 1));
        } else if (step.do === 'leave') leave[step.which]?.();
        else if (step.do === 'pass') await world.advance(step.ms);
        else {
          let last = 0;
          const key = {};
          present.set(key, step.onSlow === 'disconnect' ? step.capacity + 2 : Infinity);
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
              { capacity: step.capacity, onSlow: step.onSlow },
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
      const { published, subscriberCount, sent, skipped, failed, disconnected, dropped, queueDepth } = broker.stats();
      expect(published).toBe(n);
      expect(subscriberCount).toBe(0);
      expect({ sent, failed, skipped }).toEqual({ sent: seen.sent, failed: seen.failed, skipped: dropped.overflow });
      // What still runs is a send that never ends.
      expect(queueDepth).toBe(seen.running);
      const drops = Object.values(dropped).reduce((total, count) => total + count, 0);
      expect(sent + failed + drops + queueDepth).toBe(seen.meant);
      expect(closes).toHaveLength(leave.length);
      expect(closes.filter((reason) => reason === 'disconnected')).toHaveLength(disconnected);
    }),
    { numRuns: 200 },
  );
});
