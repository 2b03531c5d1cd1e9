import { expect, test } from 'vitest';
import { defineEvents } from '../event/define.ts';
import { payload } from '../event/schema.ts';
import type { Failure } from '../failure.ts';
import { createTestWorld } from '../testing/world.ts';
import { type Waiting, withWaiting } from './await.ts';
import { checkedBy } from './checked.ts';
import type { Dispatcher } from './contract.ts';
import { createDispatcher } from './dispatcher.ts';
import { withStreams } from './stream/stream.ts';

interface Shop {
  'order.placed': { readonly total: number };
  'order.paid': { readonly by: string };
  'user.created': { readonly name: string };
}

interface Tenant {
  readonly tenant: string;
}

function shop(): { dispatcher: Dispatcher<Shop, Tenant> & Waiting<Shop, Tenant>; reported: Failure[] } {
  const reported: Failure[] = [];
  const report = (failure: Failure): number => reported.push(failure);
  return {
    dispatcher: withWaiting(createDispatcher<Shop, Tenant>({ world: createTestWorld(), report })),
    reported,
  };
}

test('every handler of an event gets its payload, in the order in which they were added', () => {
  const { dispatcher } = shop();
  const heard: string[] = [];
  dispatcher.on('order.placed', ({ total }) => heard.push(`alice ${total}`));
  dispatcher.on('order.placed', ({ total }) => heard.push(`bob ${total}`));
  dispatcher.on('user.created', ({ name }) => heard.push(name));
  dispatcher.dispatch('order.placed', { total: 12 });
  expect(heard).toEqual(['alice 12', 'bob 12']);
});

test('events are named by strings like domain.action, and names of another house work too', () => {
  const dispatcher = createDispatcher();
  const heard: unknown[] = [];
  dispatcher.on('instances_created', (data) => heard.push(data));
  dispatcher.dispatch('instances_created', ['i-1', 'i-2']);
  expect(heard).toEqual([['i-1', 'i-2']]);
});

test('an event that nobody listens to is harmless', async () => {
  const { dispatcher, reported } = shop();
  dispatcher.dispatch('order.placed', { total: 12 });
  await dispatcher.dispatchAndWait('order.paid', { by: 'card' });
  expect(reported).toEqual([]);
  expect(dispatcher.counts()).toMatchObject({ published: 2, held: 0, dropped: 0, total: { passed: 0 } });
});

test('two dispatchers know nothing of each other', () => {
  const alice = shop().dispatcher;
  const bob = shop().dispatcher;
  const heard: number[] = [];
  alice.on('order.placed', ({ total }) => heard.push(total));
  bob.dispatch('order.placed', { total: 1 });
  expect(heard).toEqual([]);
});

test('a pattern hears every type that it matches, also types that come later, and is told which', () => {
  const { dispatcher } = shop();
  const heard: string[] = [];
  dispatcher.on('order.*', (_, { type }) => heard.push(`order ${type}`));
  dispatcher.on('**', (_, { type }) => heard.push(`all ${type}`));
  dispatcher.dispatch('order.placed', { total: 1 });
  dispatcher.on('order.paid', (_, { type }) => heard.push(`exact ${type}`));
  dispatcher.dispatch('order.paid', { by: 'card' });
  dispatcher.dispatch('user.created', { name: 'alice' });
  expect(heard).toEqual([
    'order order.placed',
    'all order.placed',
    'order order.paid',
    'all order.paid',
    'exact order.paid',
    'all user.created',
  ]);
});

test('hasHandlers counts patterns, and no handler that has stopped', () => {
  const { dispatcher } = shop();
  expect(dispatcher.hasHandlers('order.placed')).toBe(false);
  const stop = dispatcher.on('order.*', () => {});
  expect(dispatcher.hasHandlers('order.placed')).toBe(true);
  expect(dispatcher.hasHandlers('user.created')).toBe(false);
  stop();
  expect(dispatcher.hasHandlers('order.placed')).toBe(false);
});

test('stopping a handler answers true, then false', () => {
  const { dispatcher } = shop();
  const stop = dispatcher.on('order.placed', () => {});
  expect(stop()).toBe(true);
  expect(stop()).toBe(false);
});

test('of two equal callbacks, removing one removes only that one', () => {
  const { dispatcher } = shop();
  let calls = 0;
  const handler = (): void => void (calls += 1);
  const stop = dispatcher.on('order.placed', handler);
  dispatcher.on('order.placed', handler);
  expect(stop()).toBe(true);
  dispatcher.dispatch('order.placed', { total: 1 });
  expect(calls).toBe(1);
  expect(stop()).toBe(false);
  dispatcher.dispatch('order.placed', { total: 1 });
  expect(calls).toBe(2);
});

test('a handler that removes itself while it runs is not called again, and its neighbours are', () => {
  const { dispatcher } = shop();
  const heard: string[] = [];
  const stop = dispatcher.on('order.placed', () => {
    heard.push('once');
    stop();
  });
  dispatcher.on('order.placed', () => heard.push('always'));
  dispatcher.dispatch('order.placed', { total: 1 });
  dispatcher.dispatch('order.placed', { total: 2 });
  expect(heard).toEqual(['once', 'always', 'always']);
  expect(dispatcher.counts().total).toMatchObject({ passed: 3, delivered: 3 });
});

test('a handler that removes those behind it: they do not get the event at hand, and it is counted as detached', () => {
  const { dispatcher } = shop();
  const heard: string[] = [];
  dispatcher.on('order.placed', () => {
    heard.push('first');
    stopSecond();
    stopThird();
  });
  const stopSecond = dispatcher.on('order.placed', () => heard.push('second'));
  const stopThird = dispatcher.on('order.placed', async () => heard.push('third'));
  dispatcher.on('order.placed', () => heard.push('last'));
  dispatcher.dispatch('order.placed', { total: 1 });
  expect(heard).toEqual(['first', 'last']);
  expect(dispatcher.counts().total).toMatchObject({ passed: 4, delivered: 2, detached: 2 });
});

test('a handler that is added inside a handler hears from the next event on', () => {
  const { dispatcher } = shop();
  const heard: string[] = [];
  const stop = dispatcher.on('order.placed', ({ total }) => {
    stop();
    dispatcher.on('order.placed', ({ total: later }) => heard.push(`added at ${total} hears ${later}`));
  });
  dispatcher.dispatch('order.placed', { total: 1 });
  dispatcher.dispatch('order.placed', { total: 2 });
  expect(heard).toEqual(['added at 1 hears 2']);
});

test('once hears one event, and with a filter the first that fits', () => {
  const { dispatcher } = shop();
  const heard: number[] = [];
  dispatcher.on('order.placed', ({ total }) => heard.push(total), { once: true, filter: ({ total }) => total > 1 });
  for (const total of [1, 2, 3]) dispatcher.dispatch('order.placed', { total });
  expect(heard).toEqual([2]);
  expect(dispatcher.hasHandlers('order.placed')).toBe(false);
  expect(dispatcher.counts().total).toMatchObject({ passed: 2, delivered: 1, filtered: 1 });
});

test('a handler of one event only gets a signal that has not aborted', () => {
  const { dispatcher } = shop();
  const aborted: boolean[] = [];
  dispatcher.on('order.placed', (_, { signal }) => aborted.push(signal.aborted), { once: true });
  dispatcher.dispatch('order.placed', { total: 1 });
  expect(aborted).toEqual([false]);
});

test('a signal stops a handler, and one that has aborted before lets nothing in', () => {
  const { dispatcher } = shop();
  const heard: number[] = [];
  const controller = new AbortController();
  dispatcher.on('order.placed', ({ total }) => heard.push(total), { signal: controller.signal });
  dispatcher.dispatch('order.placed', { total: 1 });
  controller.abort();
  dispatcher.dispatch('order.placed', { total: 2 });
  const stop = dispatcher.on('order.placed', ({ total }) => heard.push(total), { signal: controller.signal });
  dispatcher.dispatch('order.placed', { total: 3 });
  expect(heard).toEqual([1]);
  expect(stop()).toBe(false);
});

test('whoever is told of a handler that stops is told once, also where its signal had aborted before', () => {
  const { dispatcher } = shop();
  const told: string[] = [];
  const stop = dispatcher.on('order.placed', () => {}, { onStop: () => told.push('stopped') });
  stop();
  stop();
  dispatcher.on('order.placed', () => {}, { signal: AbortSignal.abort(), onStop: () => told.push('aborted') });
  expect(told).toEqual(['stopped', 'aborted']);
  expect(dispatcher.counts().handlers).toEqual([]);
});

test('a filter decides before delivery, and its refusals are counted', () => {
  const { dispatcher } = shop();
  const heard: number[] = [];
  dispatcher.on('order.placed', ({ total }) => heard.push(total), { filter: ({ total }) => total >= 100 });
  for (const total of [50, 100, 150]) dispatcher.dispatch('order.placed', { total });
  expect(heard).toEqual([100, 150]);
  expect(dispatcher.counts().total).toMatchObject({ passed: 3, delivered: 2, filtered: 1 });
});

test('a filter may subscribe', () => {
  const { dispatcher } = shop();
  const heard: string[] = [];
  let subscribed = false;
  dispatcher.on('order.placed', () => heard.push('first'), {
    filter: () => {
      if (!subscribed) dispatcher.on('order.placed', () => heard.push('second'));
      subscribed = true;
      return true;
    },
  });
  dispatcher.dispatch('order.placed', { total: 1 });
  dispatcher.dispatch('order.placed', { total: 1 });
  expect(heard).toEqual(['first', 'first', 'second']);
});

test('a filter that throws is reported, and its neighbours hear the event', () => {
  const { dispatcher, reported } = shop();
  const heard: string[] = [];
  dispatcher.on('order.placed', () => heard.push('never'), {
    name: 'choosy',
    filter: () => {
      throw new Error('no taste');
    },
  });
  dispatcher.on('order.placed', () => heard.push('neighbour'));
  dispatcher.dispatch('order.placed', { total: 1 });
  expect(heard).toEqual(['neighbour']);
  expect(reported.map(({ name, message }) => [name, message])).toEqual([
    ['HandlerFailed', 'the handler "choosy" failed on "order.placed": no taste'],
  ]);
});

test('a throwing handler does not stop the others, and is reported with its stack, event, name and attempt', async () => {
  const world = createTestWorld();
  const reported: Failure[] = [];
  const dispatcher = createDispatcher<Shop>({ world, report: (failure) => reported.push(failure) });
  const heard: string[] = [];
  dispatcher.on('order.placed', function charge() {
    throw new Error('card refused');
  });
  dispatcher.on('order.placed', async function mail() {
    throw new TypeError('no address');
  });
  dispatcher.on('order.placed', () => heard.push('neighbour'));
  dispatcher.dispatch('order.placed', { total: 1 });
  await world.settle();
  expect(heard).toEqual(['neighbour']);
  expect(reported).toMatchObject([
    { name: 'HandlerFailed', handler: 'charge', attempt: 1, event: { type: 'order.placed', data: { total: 1 } } },
    { name: 'HandlerFailed', handler: 'mail', attempt: 1, event: { type: 'order.placed', data: { total: 1 } } },
  ]);
  expect(reported[0]?.stack).toContain('charge');
  expect(reported[0]?.stack).toContain('card refused');
  expect(reported[1]?.cause).toBeInstanceOf(TypeError);
  expect(dispatcher.counts().total).toMatchObject({ passed: 3, delivered: 1, failed: 2, pending: 0 });
});

test('anything can be thrown, and the reporter hears what it was', () => {
  const { dispatcher, reported } = shop();
  for (const thrown of ['a word', 42, null, undefined, Symbol('sign'), Object.create(null)]) {
    dispatcher.on('order.placed', () => {
      throw thrown;
    });
  }
  dispatcher.dispatch('order.placed', { total: 1 });
  for (const { stack } of reported)
    expect(stack).toMatch(/^HandlerFailed: the handler "anonymous" failed on "order.placed": /);
  for (const { stack } of reported) expect(stack).not.toMatch(/^undefined$/m);
  expect(reported.map(({ message }) => message.split(': ')[1])).toEqual([
    'a word',
    '42',
    'null',
    'undefined',
    'Symbol(sign)',
    'what cannot be shown',
  ]);
});

test('what throws when it is looked at is reported, and its neighbours hear the event', () => {
  const { dispatcher, reported } = shop();
  const heard: string[] = [];
  const thrown = [
    new Proxy(new Error('hidden'), {
      get() {
        throw new Error('do not look');
      },
    }),
    Object.assign(new Error('odd'), { message: Symbol('sign') }),
    { message: 'of no place', stack: Symbol('where') },
    { message: 'of no text', stack: Object.create(null) },
  ];
  for (const what of thrown) {
    dispatcher.on('order.placed', () => {
      throw what;
    });
  }
  dispatcher.on('order.placed', () => heard.push('neighbour'));
  dispatcher.dispatch('order.placed', { total: 1 });
  expect(heard).toEqual(['neighbour']);
  expect(reported.map(({ message }) => message.split(': ')[1])).toEqual([
    'what cannot be shown',
    'Symbol(sign)',
    'of no place',
    'of no text',
  ]);
});

// Where a stack ends depends on how far down it began: each argument begins it a word further down.
test.each(Array.from({ length: 40 }, (_, words) => [words]))(
  'a stack that ends within a dispatch leaves the dispatcher usable, begun %d words further down',
  (words) => {
    const { dispatcher } = shop();
    const heard: number[] = [];
    let deepest = 0;
    dispatcher.on('order.placed', ({ total }) => void (deepest = total));
    const descend = (depth: number): void => {
      dispatcher.dispatch('order.placed', { total: depth });
      descend(depth + 1);
    };
    const begin: (...words: readonly unknown[]) => void = () => descend(1);
    expect(() => begin(...Array.from({ length: words }))).toThrow(RangeError);
    dispatcher.on('order.paid', ({ by }) => heard.push(by.length));
    dispatcher.dispatch('order.paid', { by: 'card' });
    expect(heard).toEqual([4]);
    expect(deepest).toBeGreaterThan(100);
  },
);

test.each(Array.from({ length: 16 }, (_, words) => [words]))(
  'a stack that ends while a failure is told: who waits hears of it, or the dispatch throws, begun %d words further down',
  (words) => {
    const { dispatcher, reported } = shop();
    dispatcher.on('order.placed', () => {
      throw new Error('card refused');
    });
    let unheard = 0;
    let heard = 0;
    const attempt = (): void => {
      // Not by `dispatchAndWait`: the platform itself cannot handle a promise that is rejected where the stack ends.
      const failures: Failure[] = [];
      const follower = { context: undefined, failed: (failure: Failure) => failures.push(failure) };
      try {
        dispatcher.dispatch('order.placed', { total: 1 }, follower);
      } catch {
        return;
      }
      if (failures.length > 0) heard += 1;
      else unheard += 1;
      try {
        dispatcher.dispatch('order.placed', { total: 2 });
      } catch {}
    };
    let levels = 0;
    // Down to the end of the stack, and from there on a frame higher each time.
    const descend = (): void => {
      try {
        descend();
      } finally {
        levels += 1;
        if (levels < 200) attempt();
      }
    };
    const begin: (...words: readonly unknown[]) => void = () => descend();
    expect(() => begin(...Array.from({ length: words }))).toThrow(RangeError);
    attempt();
    expect(heard).toBeGreaterThan(0);
    expect(unheard).toBe(0);
    expect(reported.length).toBeGreaterThan(0);
    const { passed, delivered, failed, pending } = dispatcher.counts().total;
    expect(delivered + failed + pending).toBe(passed);
  },
);

test.each(Array.from({ length: 80 }, (_, words) => [words]))(
  'a stack that ends before asynchronous handlers leaves nothing pending, begun %d words further down',
  async (words) => {
    const world = createTestWorld();
    // The end is met at another place of each one's dispatch.
    const all = Array.from({ length: 60 }, () => shop().dispatcher);
    for (const dispatcher of all) {
      for (let index = 0; index < 3; index += 1) dispatcher.on('order.placed', async () => {});
      dispatcher.dispatch('order.placed', { total: 0 });
    }
    await world.settle();
    expect(thrownAtTheEnd(words, (level) => all[level]?.dispatch('order.placed', { total: 1 }))).toBeGreaterThan(0);
    // Where not even a new stack could be asked for, the next event sees to what is left.
    for (const dispatcher of all) dispatcher.dispatch('order.placed', { total: 2 });
    await world.settle();
    for (const dispatcher of all) {
      const { passed, delivered, failed, pending } = dispatcher.counts().total;
      expect({ pending, sum: delivered + failed }).toEqual({ pending: 0, sum: passed });
    }
  },
);

test.each(Array.from({ length: 20 }, (_, words) => [words]))(
  'a start for which the stack has no room leaves what was held to the next event, begun %d words further down',
  (words) => {
    const all = Array.from({ length: 400 }, () => {
      const heard: number[] = [];
      const dispatcher = createDispatcher<Shop>({ held: true });
      dispatcher.on('order.placed', ({ total }) => void heard.push(total));
      dispatcher.dispatch('order.placed', { total: 1 });
      return { dispatcher, heard };
    });
    expect(thrownAtTheEnd(words, (level) => all[level]?.dispatcher.start())).toBeGreaterThan(0);
    for (const { dispatcher, heard } of all) {
      dispatcher.start();
      dispatcher.dispatch('order.placed', { total: 2 });
      expect(heard).toContain(2);
      expect(dispatcher.counts().held).toBe(0);
    }
  },
);

test('what waits when a dispatch breaks off is handed out without another event', async () => {
  const { dispatcher } = shop();
  const heard: string[] = [];
  dispatcher.on('order.placed', ({ total }) => dispatcher.dispatch('order.paid', { by: `card ${total}` }));
  dispatcher.on('order.placed', async () => {});
  dispatcher.on('order.paid', ({ by }) => heard.push(by));
  // Who follows a dispatch is a part of it: what it throws stands for a stack that ends in there.
  const follower = {
    context: undefined,
    begun: () => {
      throw new RangeError('Maximum call stack size exceeded');
    },
  };
  expect(() => dispatcher.dispatch('order.placed', { total: 1 }, follower)).toThrow(RangeError);
  expect(heard).toEqual([]);
  await Promise.resolve();
  expect(heard).toEqual(['card 1']);
  expect(dispatcher.counts().held).toBe(0);
});

test('a reporter that throws or rejects harms nobody', async () => {
  const world = createTestWorld();
  const heard: string[] = [];
  for (const report of [
    () => {
      throw new Error('the reporter is down');
    },
    () => Promise.reject(new Error('the reporter is away')),
  ]) {
    const dispatcher = createDispatcher<Shop>({ world, report });
    dispatcher.on('order.placed', () => {
      throw new Error('card refused');
    });
    dispatcher.on('order.placed', () => heard.push('neighbour'));
    dispatcher.dispatch('order.placed', { total: 1 });
  }
  await world.settle();
  expect(heard).toEqual(['neighbour', 'neighbour']);
});

test('a handler gets its type, its signal, its attempt, the context, and a way to publish on with that context', () => {
  const dispatcher = createDispatcher<Shop, { readonly tenant: string }>({ context: { tenant: 'acme' } });
  const heard: unknown[] = [];
  dispatcher.on('order.placed', (_, { type, signal, attempt, context, publish }) => {
    heard.push([type, signal.aborted, attempt, context.tenant]);
    publish('order.paid', { by: 'card' });
  });
  dispatcher.on('order.paid', (_, { type, context }) => heard.push([type, context.tenant]));
  dispatcher.dispatch('order.placed', { total: 1 });
  dispatcher.dispatch('order.placed', { total: 1 }, { context: { tenant: 'globex' } });
  expect(heard).toEqual([
    ['order.placed', false, 1, 'acme'],
    ['order.paid', 'acme'],
    ['order.placed', false, 1, 'globex'],
    ['order.paid', 'globex'],
  ]);
});

test('a dispatch may say that it has no context, where the dispatcher has one', () => {
  const dispatcher = createDispatcher<Shop, string | null>({ context: 'system' });
  const heard: unknown[] = [];
  dispatcher.on('order.placed', (_, { context, publish }) => {
    heard.push(context);
    publish('order.paid', { by: 'card' });
  });
  dispatcher.on('order.paid', (_, { context }) => heard.push(context));
  dispatcher.dispatch('order.placed', { total: 1 }, { context: null });
  expect(heard).toEqual([null, null]);
});

test('a handler of one parameter is given the payload alone, and one of two the call too', () => {
  const { dispatcher } = shop();
  const given: number[] = [];
  dispatcher.on('order.placed', function one(order) {
    given.push(order.total, arguments.length);
  });
  dispatcher.on('order.placed', function two(order, call) {
    given.push(order.total, call.attempt, arguments.length);
  });
  dispatcher.on('order.placed', function any(...all) {
    given.push(all.length);
  });
  dispatcher.dispatch('order.placed', { total: 7 });
  expect(given).toEqual([7, 1, 7, 1, 2, 2]);
});

test('with definitions, handlers get what the validator made, and what it refuses is not dispatched', async () => {
  const events = defineEvents({
    'price.changed': {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value: unknown) =>
          typeof value === 'string'
            ? { value: Number(value) }
            : { issues: [{ message: 'expected digits', path: ['cents'] }] },
        types: undefined as { readonly input: string; readonly output: number } | undefined,
      },
    },
    'price.gone': payload<null>(),
  });
  const dispatcher = withWaiting(createDispatcher({ check: checkedBy(events) }));
  const heard: number[] = [];
  dispatcher.on('price.changed', (cents) => heard.push(cents + 1));
  dispatcher.dispatch('price.changed', '995');
  dispatcher.dispatch(events['price.changed'], '996');
  expect(heard).toEqual([996, 997]);
  const wrong: string = JSON.parse('995');
  expect(() => dispatcher.dispatch('price.changed', wrong)).toThrow(
    expect.objectContaining({
      name: 'InvalidPayload',
      message: 'the payload of "price.changed" is refused at `cents`: expected digits',
    }),
  );
  await expect(dispatcher.dispatchAndWait('price.changed', wrong)).rejects.toMatchObject({ name: 'InvalidPayload' });
  expect(() => dispatcher.dispatch('toString' as 'price.gone', null)).toThrow(
    expect.objectContaining({ name: 'UnknownEvent' }),
  );
  expect(dispatcher.counts().published).toBe(2);
});

test('with definitions, a name that none of them has is a slip of the pen, also where it is listened for', () => {
  const dispatcher = withStreams(
    createDispatcher({ check: checkedBy(defineEvents({ 'price.gone': payload<null>() })) }),
  );
  const unknown = expect.objectContaining({ name: 'UnknownEvent', message: expect.stringContaining('"price.gnoe"') });
  expect(() => dispatcher.on('price.gnoe' as 'price.gone', () => {})).toThrow(unknown);
  expect(() => dispatcher.events('price.gnoe' as 'price.gone')).toThrow(unknown);
  expect(dispatcher.counts().handlers).toEqual([]);
  // A pattern may be there for those that are to come.
  dispatcher.on('order.*', () => {});
  dispatcher.on('price.gone', () => {});
});

test('counts are kept for each handler and in sum, also of handlers that have stopped', () => {
  const nothing = { failed: 0, pending: 0, overflow: 0, superseded: 0, detached: 0, closed: 0, cancelled: 0 };
  const { dispatcher } = shop();
  const stop = dispatcher.on('order.placed', function gone() {});
  dispatcher.on('order.*', function stays() {}, { filter: (_, type) => type === 'order.paid' });
  dispatcher.dispatch('order.placed', { total: 1 });
  stop();
  dispatcher.dispatch('order.placed', { total: 1 });
  dispatcher.dispatch('order.paid', { by: 'card' });
  const { published, total, handlers } = dispatcher.counts();
  expect(published).toBe(3);
  expect(total).toEqual({ ...nothing, passed: 4, delivered: 2, filtered: 2 });
  expect(handlers).toEqual([{ ...nothing, name: 'stays', pattern: 'order.*', passed: 3, delivered: 1, filtered: 2 }]);
});

test('types that come from outside, in any number, are not all remembered, and none is miscounted', () => {
  const dispatcher = createDispatcher();
  let calls = 0;
  dispatcher.on('visit.*', () => void (calls += 1));
  for (let index = 0; index < 25_000; index += 1) dispatcher.dispatch(`visit.${index % 20_000}`, index);
  expect(calls).toBe(25_000);
  expect(dispatcher.counts()).toMatchObject({ published: 25_000, total: { passed: 25_000, delivered: 25_000 } });
});

/**
 * Does something at the end of the stack, and at each level on the way back; answers how often that threw. `words` move the end.
 */
function thrownAtTheEnd(words: number, act: (level: number) => void): number {
  let levels = 0;
  let thrown = 0;
  const descend = (): void => {
    try {
      descend();
    } finally {
      try {
        act(levels++);
      } catch {
        thrown += 1;
      }
    }
  };
  const begin: (...all: readonly unknown[]) => void = () => descend();
  expect(() => begin(...Array.from({ length: words }))).toThrow(RangeError);
  return thrown;
}
