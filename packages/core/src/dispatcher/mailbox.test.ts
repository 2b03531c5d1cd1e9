import { describe, expect, test } from 'vitest';
import type { Failure } from '../failure.ts';
import { createTestWorld, type TestWorld } from '../testing/world.ts';
import { type Waiting, withWaiting } from './await.ts';
import type { Dispatcher } from './contract.ts';
import { createDispatcher } from './dispatcher.ts';
import { mailboxCapacity } from './limits.ts';
import type { Overflow } from './options.ts';
import { dropNewest, dropOldest, keepLatest, rejectWhenFull } from './overflow.ts';
import { type Timeouts, withTimeouts } from './wrap/timeout.ts';

interface Events {
  n: number;
  other: number;
}

/** A handler whose calls end when they are told to. */
function slow(): { handler: (n: number) => Promise<void>; heard: number[]; end: (error?: Error) => void } {
  const heard: number[] = [];
  const ends: ((error?: Error) => void)[] = [];
  return {
    heard,
    handler: (n) =>
      new Promise((resolve, reject) => {
        heard.push(n);
        ends.push((error) => (error === undefined ? resolve() : reject(error)));
      }),
    end: (error) => ends.shift()?.(error),
  };
}

function setUp(): {
  world: TestWorld;
  dispatcher: Dispatcher<Events> & Waiting<Events> & Timeouts<Events>;
  reported: Failure[];
} {
  const world = createTestWorld();
  const reported: Failure[] = [];
  return {
    world,
    reported,
    dispatcher: withTimeouts(
      withWaiting(createDispatcher<Events>({ world, report: (failure) => reported.push(failure) })),
    ),
  };
}

test('a handler gets its events one at a time, in the order in which they were dispatched', async () => {
  const { world, dispatcher } = setUp();
  const { handler, heard, end } = slow();
  dispatcher.on('n', handler);
  for (const n of [1, 2, 3]) dispatcher.dispatch('n', n);
  expect(heard).toEqual([1]);
  expect(dispatcher.counts().total).toMatchObject({ passed: 3, delivered: 0, pending: 3 });
  end();
  await world.settle();
  expect(heard).toEqual([1, 2]);
  end(new Error('on the way'));
  await world.settle();
  expect(heard).toEqual([1, 2, 3]);
  end();
  await world.settle();
  expect(dispatcher.counts().total).toMatchObject({ passed: 3, delivered: 2, failed: 1, pending: 0 });
});

test('a slow handler never stalls its neighbours', () => {
  const { dispatcher } = setUp();
  const heard: number[] = [];
  dispatcher.on('n', () => new Promise(() => {}));
  dispatcher.on('n', (n) => heard.push(n));
  for (const n of [1, 2, 3]) dispatcher.dispatch('n', n);
  expect(heard).toEqual([1, 2, 3]);
});

test('as many calls run at the same time as the handler allows', async () => {
  const { world, dispatcher } = setUp();
  const { handler, heard, end } = slow();
  dispatcher.on('n', handler, { concurrency: 2 });
  for (const n of [1, 2, 3, 4]) dispatcher.dispatch('n', n);
  expect(heard).toEqual([1, 2]);
  end();
  await world.settle();
  expect(heard).toEqual([1, 2, 3]);
});

test('a promise of another class is awaited in its own way, and one that cannot be is a failure', async () => {
  const { world, dispatcher, reported } = setUp();
  class Lazy extends Promise<void> {
    // oxlint-disable-next-line unicorn/no-thenable -- this is what is tested
    override then(): never {
      throw new Error('not begun');
    }
  }
  dispatcher.on('n', () => new Lazy(() => {}), { name: 'lazy' });
  for (const n of [1, 2]) dispatcher.dispatch('n', n);
  await world.settle();
  expect(reported).toMatchObject([{ handler: 'lazy' }, { handler: 'lazy' }]);
  expect(dispatcher.counts().total).toMatchObject({ passed: 2, failed: 2, delivered: 0, pending: 0 });
});

test('what only looks like a promise is a failure, and counted once', async () => {
  const { world, dispatcher, reported } = setUp();
  const throwing = (): never => {
    throw new Error('no promise');
  };
  const likes: unknown[] = [
    // oxlint-disable-next-line unicorn/no-thenable -- this is what is tested
    Object.assign(Promise.resolve(), { then: throwing }),
    Object.create(Promise.prototype),
    // oxlint-disable-next-line unicorn/no-thenable -- this is what is tested
    Object.defineProperty({ then() {} }, 'constructor', { get: throwing }),
  ];
  for (const like of likes) {
    dispatcher.on('n', () => like);
    dispatcher.on('n', (n) => (n > 0 ? like : undefined));
  }
  for (const n of [1, 2]) dispatcher.dispatch('n', n);
  await dispatcher.dispatchAndWait('n', 3).catch(({ failures }) => expect(failures).toHaveLength(6));
  await world.settle();
  expect(reported).toHaveLength(12);
  expect(dispatcher.counts().total).toMatchObject({ passed: 18, failed: 18, delivered: 0, pending: 0 });
});

test('a thenable of another house is awaited, and one that answers within its then too', async () => {
  const { world, dispatcher } = setUp();
  const heard: number[] = [];
  dispatcher.on('n', (n) => {
    heard.push(n);
    // oxlint-disable-next-line unicorn/no-thenable -- this is what is tested
    return { then: (done: () => void) => done() };
  });
  for (let n = 0; n < 1000; n += 1) dispatcher.dispatch('n', n);
  await world.settle();
  for (let turn = 0; turn < 20; turn += 1) await world.settle();
  expect(heard).toHaveLength(1000);
  expect(dispatcher.counts().total).toMatchObject({ delivered: 1000, pending: 0 });
});

test('a call that takes too long fails with TimedOut, its signal aborts, and the next event is taken up', async () => {
  const { world, dispatcher, reported } = setUp();
  const heard: number[] = [];
  const signals: AbortSignal[] = [];
  dispatcher.on(
    'n',
    (n, { signal }) => {
      heard.push(n);
      signals.push(signal);
      return n === 1 ? new Promise(() => {}) : undefined;
    },
    { name: 'stuck', timeoutMs: 50 },
  );
  dispatcher.dispatch('n', 1);
  dispatcher.dispatch('n', 2);
  await world.advance(49);
  expect(heard).toEqual([1]);
  await world.advance(1);
  expect(heard).toEqual([1, 2]);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  expect(reported).toMatchObject([{ handler: 'stuck', event: { data: 1 }, cause: { name: 'TimedOut' } }]);
  expect(dispatcher.counts().total).toMatchObject({ passed: 2, delivered: 1, failed: 1, pending: 0 });
  expect(world.timers).toBe(0);
});

test('a dispatcher that was given time bounds twice tells of a late call once', async () => {
  const { world, dispatcher, reported } = setUp();
  withTimeouts(dispatcher).on('n', () => new Promise(() => {}), { timeoutMs: 50 });
  dispatcher.dispatch('n', 1);
  await world.advance(50);
  expect(reported.map(({ name }) => name)).toEqual(['HandlerFailed']);
  expect(world.timers).toBe(0);
});

test('what a call throws after its time ran out is reported, and not counted twice', async () => {
  const { world, dispatcher, reported } = setUp();
  const { handler, end } = slow();
  dispatcher.on('n', handler, { timeoutMs: 50 });
  dispatcher.dispatch('n', 1);
  await world.advance(50);
  end(new Error('late'));
  await world.settle();
  expect(reported.map(({ name }) => name)).toEqual(['HandlerFailed', 'HandlerFailed']);
  expect(dispatcher.counts().total).toMatchObject({ passed: 1, failed: 1, pending: 0 });
});

test('stopping a handler aborts the signal of its call, and counts what waited as detached', async () => {
  const { world, dispatcher } = setUp();
  const { handler, heard, end } = slow();
  let signal: AbortSignal | undefined;
  const stop = dispatcher.on('n', (n, call) => {
    ({ signal } = call);
    return handler(n);
  });
  for (const n of [1, 2, 3]) dispatcher.dispatch('n', n);
  stop();
  expect(signal?.aborted).toBe(true);
  end();
  await world.settle();
  expect(heard).toEqual([1]);
  expect(dispatcher.counts().total).toMatchObject({ passed: 3, delivered: 1, pending: 0, detached: 2 });
});

test('a handler that stops itself, and goes on waiting, is counted once', async () => {
  const { world, dispatcher } = setUp();
  const { handler, end } = slow();
  const stop = dispatcher.on('n', (n) => {
    stop();
    return handler(n);
  });
  dispatcher.dispatch('n', 1);
  expect(dispatcher.counts().total).toMatchObject({ passed: 1, delivered: 0, pending: 1 });
  end();
  await world.settle();
  expect(dispatcher.counts().total).toMatchObject({ passed: 1, delivered: 1, pending: 0 });
});

/** Five events to a handler of one at a time, which then ends them all. */
async function fill(
  overflow: Overflow,
  capacity = 2,
): Promise<{ heard: readonly number[]; reported: readonly Failure[]; dispatcher: Dispatcher<Events> }> {
  const { world, dispatcher, reported } = setUp();
  const { handler, heard, end } = slow();
  dispatcher.on('n', handler, { capacity, overflow });
  for (const n of [1, 2, 3, 4, 5]) dispatcher.dispatch('n', n);
  for (let n = 0; n < 5; n += 1) {
    end();
    await world.settle();
  }
  return { heard, reported, dispatcher };
}

describe('a full mailbox', () => {
  test('drops the newest, counts them, and reports once per burst', async () => {
    const { heard, reported, dispatcher } = await fill(dropNewest);
    expect(heard).toEqual([1, 2, 3]);
    expect(reported.map(({ name }) => name)).toEqual(['QueueFull']);
    expect(dispatcher.counts().total).toMatchObject({ passed: 5, delivered: 3, overflow: 2 });
  });

  test('tells the reporter of what it drops, and never who awaits it', async () => {
    for (const overflow of [dropNewest, dropOldest]) {
      const { world, dispatcher, reported } = setUp();
      const { handler, end } = slow();
      dispatcher.on('n', handler, { capacity: 1, overflow });
      const awaited = [1, 2, 3, 4].map((n) => dispatcher.dispatchAndWait('n', n));
      expect(reported.map(({ name }) => name)).toEqual(['QueueFull']);
      for (let n = 0; n < 2; n += 1) {
        end();
        await world.settle();
      }
      await Promise.all(awaited);
      expect(dispatcher.counts().total).toMatchObject({ passed: 4, delivered: 2, overflow: 2 });
    }
  });

  test('drops the oldest, where that is chosen', async () => {
    const { heard, dispatcher } = await fill(dropOldest);
    expect(heard).toEqual([1, 4, 5]);
    expect(dispatcher.counts().total).toMatchObject({ passed: 5, delivered: 3, overflow: 2 });
  });

  test('refuses with `event queue full`, and whoever awaits the dispatch is told each time', async () => {
    const { world, dispatcher, reported } = setUp();
    dispatcher.on('n', slow().handler, { capacity: 1, overflow: rejectWhenFull, name: 'busy' });
    dispatcher.dispatch('n', 1);
    dispatcher.dispatch('n', 2);
    for (const n of [3, 4]) {
      await expect(dispatcher.dispatchAndWait('n', n)).rejects.toMatchObject({
        name: 'DispatchFailed',
        failures: [{ name: 'QueueFull', handler: 'busy', message: expect.stringContaining('event queue full') }],
      });
    }
    dispatcher.dispatch('n', 5);
    dispatcher.dispatch('n', 6);
    expect(reported.map(({ name }) => name)).toEqual(['QueueFull']);
    await world.settle();
    expect(dispatcher.counts().total).toMatchObject({ passed: 6, pending: 2, overflow: 4 });
  });

  test('has an end also where a policy of its own drops nothing', async () => {
    const { heard, reported, dispatcher } = await fill(() => {});
    expect(heard).toEqual([1, 2, 3]);
    expect(reported.map(({ name }) => name)).toEqual(['QueueFull']);
    expect(dispatcher.counts().total).toMatchObject({ passed: 5, delivered: 3, overflow: 2, pending: 0 });
  });

  test('makes an awaited dispatch wait for room, and drops and reports one that nobody awaits', async () => {
    const { world, dispatcher, reported } = setUp();
    const { handler, heard, end } = slow();
    dispatcher.on('n', handler, { capacity: 1 });
    dispatcher.dispatch('n', 1);
    dispatcher.dispatch('n', 2);
    const awaited = dispatcher.dispatchAndWait('n', 3);
    dispatcher.dispatch('n', 4);
    expect(reported.map(({ name }) => name)).toEqual(['QueueFull']);
    for (let n = 0; n < 3; n += 1) {
      end();
      await world.settle();
    }
    await awaited;
    expect(heard).toEqual([1, 2, 3]);
  });

  test('lets who waits for room give up by a signal', async () => {
    const { world, dispatcher } = setUp();
    const { handler, heard, end } = slow();
    dispatcher.on('n', handler, { capacity: 1, name: 'busy' });
    dispatcher.dispatch('n', 1);
    dispatcher.dispatch('n', 2);
    const controller = new AbortController();
    const awaited = dispatcher.dispatchAndWait('n', 3, { signal: controller.signal });
    controller.abort(new Error('the user left'));
    await expect(awaited).rejects.toMatchObject({
      name: 'Cancelled',
      message: '"n" was given up; not ended: busy',
      cause: expect.objectContaining({ message: 'the user left' }),
    });
    for (let n = 0; n < 3; n += 1) {
      end();
      await world.settle();
    }
    expect(heard).toEqual([1, 2]);
    expect(dispatcher.counts().total).toMatchObject({ passed: 3, delivered: 2, cancelled: 1 });
  });

  test('keeps the latest of each key, in the order in which these came', async () => {
    const { world, dispatcher } = setUp();
    const heard: number[] = [];
    const { handler, end } = slow();
    dispatcher.on('n', (n) => handler(n).then(() => void heard.push(n)), {
      overflow: keepLatest((n: number) => n % 10),
      capacity: 2,
    });
    for (const n of [1, 11, 12, 21, 22, 13]) dispatcher.dispatch('n', n);
    for (let n = 0; n < 6; n += 1) {
      end();
      await world.settle();
    }
    // 1 was running; 21 took 11's place and 22 that of 12; for 13 there was no room, so the oldest, 21, went.
    expect(heard).toEqual([1, 22, 13]);
    expect(dispatcher.counts().total).toMatchObject({
      passed: 6,
      delivered: 3,
      superseded: 2,
      overflow: 1,
    });
  });

  test('asks a function each time, where one decides', async () => {
    let asked = 0;
    const { heard } = await fill((mailbox, call) => {
      if (mailbox.waiting.size <= mailbox.capacity) return;
      asked += 1;
      (asked === 1 ? dropNewest : dropOldest)(mailbox, call);
    });
    expect(asked).toBe(2);
    expect(heard).toEqual([1, 3, 5]);
  });

  test('of capacity 0 takes only what can be handled at once', async () => {
    const { heard } = await fill(dropOldest, 0);
    expect(heard).toEqual([1]);
  });

  test('holds 1,024 events unless its handler says otherwise', async () => {
    const { dispatcher, reported } = setUp();
    dispatcher.on('n', slow().handler);
    for (let n = 0; n < 1 + mailboxCapacity; n += 1) dispatcher.dispatch('n', n);
    expect(reported).toEqual([]);
    dispatcher.dispatch('n', 0);
    expect(reported).toMatchObject([{ name: 'QueueFull', message: expect.stringContaining('1024 events wait') }]);
    expect(dispatcher.counts().total).toMatchObject({ pending: 1025, overflow: 1 });
  });

  test('reports again after it has been empty', async () => {
    const { world, dispatcher, reported } = setUp();
    const { handler, end } = slow();
    dispatcher.on('n', handler, { capacity: 1, overflow: dropNewest });
    for (let burst = 1; burst <= 2; burst += 1) {
      for (const n of [1, 2, 3, 4]) dispatcher.dispatch('n', n);
      expect(reported).toHaveLength(burst);
      for (let n = 0; n < 2; n += 1) {
        end();
        await world.settle();
      }
    }
  });
});

test('a hundred thousand waiting events are taken in their order, and nothing of them stays', async () => {
  const { dispatcher } = setUp();
  let last = 0;
  let release: (() => void) | undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  dispatcher.on(
    'n',
    async (n) => {
      if (n === 1) await gate;
      if (n !== last + 1) throw new Error(`${n} came after ${last}`);
      last = n;
    },
    { capacity: Infinity },
  );
  const count = 100_000;
  for (let n = 1; n <= count; n += 1) dispatcher.dispatch('n', n);
  release?.();
  await dispatcher.close({ timeoutMs: Infinity });
  expect(last).toBe(count);
  expect(dispatcher.counts().total).toMatchObject({ passed: count, delivered: count, pending: 0 });
});
