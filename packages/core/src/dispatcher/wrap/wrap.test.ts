import { describe, expect, test } from 'vitest';
import type { Failure } from '../../failure.ts';
import { createTestWorld, type TestWorld } from '../../testing/world.ts';
import { type Waiting, withWaiting } from '../await.ts';
import type { HandlerCall } from '../call.ts';
import type { Dispatcher } from '../contract.ts';
import { createDispatcher } from '../dispatcher.ts';
import type { Wrapped } from './handler.ts';
import { idempotent } from './idempotent.ts';
import { safely, withRecovery } from './recover.ts';
import { retry } from './retry.ts';
import { withTimeout } from './timeout.ts';

interface Events {
  n: number;
}

const call = { type: 'n', signal: new AbortController().signal, attempt: 1, context: null, publish() {} };

function setUp(): { world: TestWorld; dispatcher: Dispatcher<Events> & Waiting<Events>; reported: Failure[] } {
  const world = createTestWorld();
  const reported: Failure[] = [];
  const report = (failure: Failure): number => reported.push(failure);
  return { world, reported, dispatcher: withWaiting(createDispatcher<Events>({ world, report })) };
}

describe('retry', () => {
  test('tries again until it goes well, and counts the attempts', async () => {
    const { world, dispatcher, reported } = setUp();
    const attempts: number[] = [];
    dispatcher.on(
      'n',
      retry(
        async (_n: number, { attempt }) => {
          attempts.push(attempt);
          if (attempt < 3) throw new Error('not yet');
        },
        { world },
      ),
    );
    dispatcher.dispatch('n', 1);
    await world.advance(1000);
    expect(attempts).toEqual([1, 2, 3]);
    expect(reported).toEqual([]);
  });

  test('wraps the last error, which says how often it was tried, and does not wait after the last try', async () => {
    const { world, dispatcher } = setUp();
    const last = new Error('still down');
    dispatcher.on(
      'n',
      retry(
        () => {
          throw last;
        },
        { world, attempts: 3 },
      ),
      { name: 'charge' },
    );
    const settled = dispatcher.dispatchAndWait('n', 1).catch((error: unknown) => error);
    await world.advance(100 + 200);
    expect(await settled).toMatchObject({
      failures: [
        {
          message: 'the handler "charge" failed on "n": attempt 3 of 3 failed, and that was the last: still down',
          attempt: 3,
          cause: { name: 'HandlerFailed', cause: last },
        },
      ],
    });
  });

  test('waits exponentially longer, up to its cap', async () => {
    const world = createTestWorld();
    const waits: number[] = [];
    const spy = {
      random: () => 1,
      after: (ms: number, callback: () => void) => (waits.push(ms), world.after(ms, callback)),
    };
    const tried = retry(() => Promise.reject(new Error('down')), { world: spy, attempts: 6, baseMs: 100, capMs: 1000 });
    const settled = tried(1, call).catch(() => 'gave up');
    await world.advance(10_000);
    expect(await settled).toBe('gave up');
    expect(waits).toEqual([100, 200, 400, 800, 1000]);
  });

  test('does not wait where it was told to wait for nothing, however often it fails', async () => {
    const world = createTestWorld();
    const waits = new Set<number>();
    const spy = { ...world, after: (ms: number, callback: () => void) => (waits.add(ms), world.after(0, callback)) };
    const tried = retry(() => Promise.reject(new Error('down')), { world: spy, attempts: 1100, baseMs: 0 });
    const settled = tried(1, call).catch(({ details }: Failure) => details.attempt);
    await world.advance(1);
    expect(await settled).toBe(1100);
    expect([...waits]).toEqual([0]);
  });

  test('hears the signal while it waits', async () => {
    const { world, dispatcher } = setUp();
    let tries = 0;
    const stop = dispatcher.on(
      'n',
      retry(
        () => {
          tries += 1;
          throw new Error('down');
        },
        { world, attempts: 100 },
      ),
    );
    const settled = dispatcher.dispatchAndWait('n', 1).catch((error: unknown) => error);
    await world.settle();
    stop();
    expect(await settled).toMatchObject({ failures: [{ message: expect.stringContaining('it was told to stop') }] });
    expect(tries).toBe(1);
  });
});

describe('idempotent', () => {
  test('handles events of one key once, also at the same time', async () => {
    const { world, dispatcher } = setUp();
    const heard: number[] = [];
    dispatcher.on(
      'n',
      idempotent(
        async (n: number) => {
          await new Promise<void>((resolve) => world.after(10, resolve));
          heard.push(n);
        },
        { key: (n) => n % 10, world },
      ),
      { concurrency: 3 },
    );
    for (const n of [1, 11, 2]) dispatcher.dispatch('n', n);
    await world.advance(10);
    dispatcher.dispatch('n', 21);
    await world.advance(10);
    expect(heard).toEqual([1, 2]);
  });

  test('does not mark a failure, so the next of its key is tried', async () => {
    const world = createTestWorld();
    const heard: number[] = [];
    const handler = idempotent(
      async (n: number) => {
        heard.push(n);
        if (heard.length === 1) throw new Error('down');
      },
      { key: () => 'same', world },
    );
    const both = await Promise.allSettled([handler(1, call), handler(2, call)]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await handler(3, call);
    await handler(4, call);
    expect(heard).toEqual([1, 3]);
  });

  test('does not mark what throws at once', async () => {
    const world = createTestWorld();
    let tries = 0;
    const handler = idempotent(
      () => {
        tries += 1;
        if (tries === 1) throw new Error('down');
      },
      { key: () => 'same', world },
    );
    await expect(handler(1, call)).rejects.toThrow('down');
    await handler(2, call);
    await handler(3, call);
    expect(tries).toBe(2);
  });

  test('a failure takes back only its own mark, also when it comes after its key was forgotten', async () => {
    const world = createTestWorld();
    const heard: number[] = [];
    let fail = (): void => {};
    const handler = idempotent(
      (n: number) => {
        heard.push(n);
        if (n === 1) return new Promise((_, reject) => (fail = () => reject(new Error('late'))));
        return undefined;
      },
      { key: () => 'same', lifetimeMs: 100, world },
    );
    const late = handler(1, call);
    await world.advance(300);
    await handler(2, call);
    fail();
    await expect(late).rejects.toThrow('late');
    await handler(3, call);
    expect(heard).toEqual([1, 2]);
  });

  test('a handler that awaits its own key is told so by who bounds the wait, and the next of its key is tried', async () => {
    const { world, dispatcher } = setUp();
    let again = true;
    const work = async (n: number): Promise<void> => {
      if (again) await dispatcher.dispatchAndWait('n', n, { timeoutMs: 50 });
    };
    dispatcher.on('n', idempotent(work, { key: (n) => n, world }), { concurrency: 2 });
    const settled = dispatcher.dispatchAndWait('n', 1).catch((error: unknown) => error);
    await world.advance(50);
    expect(await settled).toMatchObject({ failures: [{ cause: { name: 'TimedOut' } }] });
    again = false;
    await dispatcher.dispatchAndWait('n', 1);
    expect(dispatcher.counts().total).toMatchObject({ passed: 3, delivered: 1, failed: 2, pending: 0 });
  });

  test('a handler that awaits its own key with the call that it was given is told so at once', async () => {
    const world = createTestWorld();
    const runs: number[] = [];
    const told: unknown[] = [];
    const handler = idempotent(
      async (n: number, own: HandlerCall) => {
        runs.push(n);
        if (n > 1) await Promise.resolve();
        await retry(handler, { world, attempts: 1 })(n, own).catch(({ cause }: Failure) => told.push(cause));
      },
      { key: (n) => n, world },
    );
    // Also before it has waited for anything.
    for (const n of [1, 2]) await handler(n, call);
    expect(runs).toEqual([1, 2]);
    expect(told).toMatchObject([{ name: 'Misused' }, { name: 'Misused' }]);
  });

  test('nobody waits for a key longer than it is remembered, also a handler that awaits its own by another way', async () => {
    const world = createTestWorld();
    const handler: Wrapped<number> = idempotent((n: number) => handler(n, call), {
      key: (n) => n,
      lifetimeMs: 100,
      world,
    });
    const settled = handler(1, call).catch((error: unknown) => error);
    await world.advance(100);
    expect(await settled).toMatchObject({ name: 'TimedOut', message: 'it had not ended after 100 ms' });
    await world.advance(200);
    expect(world.timers).toBe(0);
  });

  test('an event without a key fails, and is not taken for another', async () => {
    const heard: unknown[] = [];
    const handler = idempotent((order: { id?: string }) => heard.push(order), { key: ({ id }) => id });
    for (const order of [{}, {}]) await expect(handler(order, call)).rejects.toMatchObject({ name: 'InvalidOptions' });
    await handler({ id: '' }, call);
    expect(heard).toEqual([{ id: '' }]);
  });

  test('forgets a key after its lifetime, and holds no more keys than it may', async () => {
    const { world, dispatcher } = setUp();
    const heard: number[] = [];
    dispatcher.on(
      'n',
      idempotent((n: number) => heard.push(n), { key: (n) => n, lifetimeMs: 100, capacity: 2, world }),
    );
    dispatcher.dispatch('n', 1);
    await world.advance(99);
    dispatcher.dispatch('n', 1);
    await world.advance(101);
    dispatcher.dispatch('n', 1);
    await world.settle();
    expect(heard).toEqual([1, 1]);
    for (const n of [2, 3, 1]) {
      dispatcher.dispatch('n', n);
      await world.settle();
    }
    expect(heard).toEqual([1, 1, 2, 3, 1]);
    await world.advance(300);
    expect(world.timers).toBe(0);
  });
});

describe('a timeout', () => {
  test('rejects with TimedOut and aborts the signal', async () => {
    const { world, dispatcher } = setUp();
    let signal: AbortSignal | undefined;
    dispatcher.on(
      'n',
      withTimeout(
        (_: number, call) => {
          ({ signal } = call);
          return new Promise(() => {});
        },
        50,
        { world },
      ),
    );
    const settled = dispatcher.dispatchAndWait('n', 1).catch((error: unknown) => error);
    await world.advance(50);
    expect(await settled).toMatchObject({ failures: [{ cause: { name: 'TimedOut' } }] });
    expect(signal?.aborted).toBe(true);
  });

  test('what a late handler throws is reported once, and a reporter that throws harms nobody', async () => {
    const world = createTestWorld();
    const late: string[] = [];
    const report = ({ message }: Failure): never => {
      late.push(message);
      throw new Error('the log is down');
    };
    const rejects = (work: (signal: AbortSignal) => unknown): Wrapped<number> =>
      withTimeout(
        (_: number, { signal }: HandlerCall) =>
          new Promise((_, reject) => signal.addEventListener('abort', () => reject(work(signal)))),
        50,
        { world, report },
      );
    const obedient = rejects(({ reason }) => reason)(1, call);
    const clumsy = rejects(() => new Error('cleaning up failed'))(1, call);
    const settled = Promise.allSettled([obedient, clumsy]);
    await world.advance(50);
    expect(await settled).toMatchObject([{ reason: { name: 'TimedOut' } }, { reason: { name: 'TimedOut' } }]);
    await world.settle();
    expect(late).toEqual(['cleaning up failed']);
  });

  test('lets go of its timer when the handler ends in time', async () => {
    const { world, dispatcher } = setUp();
    dispatcher.on(
      'n',
      withTimeout(async () => {}, 50, { world }),
    );
    await dispatcher.dispatchAndWait('n', 1);
    await world.advance(1000);
    expect(world.timers).toBe(0);
  });
});

function boom(): never {
  throw new Error('boom');
}

test('a wrapped handler keeps its name, in failures and counts', () => {
  const { dispatcher } = setUp();
  async function charge(): Promise<void> {}
  dispatcher.on('n', retry(idempotent(withRecovery(withTimeout(charge, 50), boom), { key: () => 1 })));
  expect(dispatcher.counts().handlers).toMatchObject([{ name: 'charge' }]);
});

describe('recovery', () => {
  test('a recovered handler ends well whatever it throws', async () => {
    const { dispatcher, reported } = setUp();
    const recovered: unknown[] = [];
    dispatcher.on(
      'n',
      withRecovery(boom, (error, n: number) => recovered.push([(error as Error).message, n])),
    );
    await dispatcher.dispatchAndWait('n', 7);
    expect(recovered).toEqual([['boom', 7]]);
    expect(reported).toEqual([]);
  });

  test('a safe dispatch reports, and does not throw', async () => {
    const { dispatcher } = setUp();
    const logged: string[] = [];
    const log = (failure: Failure): void => {
      logged.push(failure.name);
      throw new Error('the log is down');
    };
    expect(safely(() => dispatcher.dispatch('n', 1), log)).toBe(true);
    dispatcher.on('n', () => Promise.reject(new Error('boom')));
    expect(await safely(() => dispatcher.dispatchAndWait('n', 1), log)).toBe(false);
    await dispatcher.close();
    expect(safely(() => dispatcher.dispatch('n', 1), log)).toBe(false);
    // A promise of another house, or of another window.
    const rejected = Promise.reject(new Error('away'));
    // oxlint-disable-next-line unicorn/no-thenable, promise/no-callback-in-promise -- this is what is tested
    const foreign: PromiseLike<unknown> = { then: (done, failed) => rejected.then(done, failed) };
    expect(await safely(() => foreign, log)).toBe(false);
    expect(logged).toEqual(['DispatchFailed', 'Closed', 'Internal']);
  });
});

test('what throws when it is looked at harms no wrapper: it is told of, and never unhandled', async () => {
  const { world, dispatcher, reported } = setUp();
  const hostile = new Proxy(new Error('hidden'), {
    get() {
      throw new Error('do not look');
    },
  });
  const odd = Object.assign(new Error('odd'), { message: Symbol('sign') });
  const report = (failure: Failure): number => reported.push(failure);
  for (const thrown of [hostile, odd]) {
    dispatcher.on(
      'n',
      withTimeout(
        async () => {
          await new Promise<void>((resolve) => world.after(20, resolve));
          throw thrown;
        },
        10,
        { world, report },
      ),
      { name: 'late' },
    );
    dispatcher.on(
      'n',
      retry(() => Promise.reject(thrown), { attempts: 1 }),
      { name: 'retried' },
    );
    expect(
      safely(() => {
        throw thrown;
      }, report),
    ).toBe(false);
  }
  dispatcher.dispatch('n', 1);
  await world.advance(30);
  expect(reported.map(({ message }) => message).sort()).toEqual(
    [
      'what cannot be shown',
      'Symbol(sign)',
      'the handler "retried" failed on "n": attempt 1 of 1 failed, and that was the last: what cannot be shown',
      'the handler "retried" failed on "n": attempt 1 of 1 failed, and that was the last: Symbol(sign)',
      'the handler "late" failed on "n": it had not ended after 10 ms',
      'the handler "late" failed on "n": it had not ended after 10 ms',
      'what cannot be shown',
      'Symbol(sign)',
    ].sort(),
  );
});
