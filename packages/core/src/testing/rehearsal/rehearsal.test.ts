import { expect, test } from 'vitest';
import { defineEvents } from '../../event/define.ts';
import { payload } from '../../event/schema.ts';
import { NonRetriableError } from '../../durable/errors.ts';
import { RehearsalFailed, type Application } from './application.ts';
import { rehearse } from './rehearse.ts';

const events = defineEvents({ 'order.placed': payload<{ readonly number: number }>() });

/** What a device of the shop keeps beside its log: how often it has sent which receipt. */
type Sent = Map<string, number>;

type Shop = Application<typeof events, Sent>;

function add(sent: Sent, id: string): void {
  sent.set(id, (sent.get(id) ?? 0) + 1);
}

/** Sends a receipt for each order, unless it was sent: what is outside knows by the event's id. */
const shop: Shop = {
  events,
  device: () => new Map(),
  open: ({ runtime, device, outside }) =>
    void runtime.handle('order.placed', 'send', ({ id }) => outside(() => void device.set(id, 1)), {
      from: 'earliest',
    }),
  act: ({ runtime }, n) => runtime.publish('order.placed', { number: n }),
  atRest({ devices, logs }) {
    const placed = logs.get('default')?.map(({ id }) => id) ?? [];
    for (const { name, device } of devices)
      for (const id of placed)
        if (device.get(id) !== 1) throw new Error(`${name} sent ${device.get(id) ?? 0} receipts for ${id}`);
  },
};

async function failureOf(application: Shop, options = {}): Promise<RehearsalFailed> {
  try {
    await rehearse(application, options);
  } catch (error) {
    if (error instanceof RehearsalFailed) return error;
    throw error;
  }
  throw new Error('every seed held');
}

test('an idempotent handler holds whatever happens, and the report says what did', async () => {
  const { seeds, acts, events, faults } = await rehearse(shop, { seeds: 25 });
  expect(seeds).toBe(25);
  expect(acts).toBeGreaterThan(25);
  expect(events).toBeGreaterThan(25);
  for (const kind of ['tab.killed', 'tab.killed-in-call', 'relay.killed', 'handler.throws', 'store.fails'])
    expect(faults.get(kind), kind).toBeGreaterThan(0);
});

test('a handler that counts an event each time that it is handled is caught, with the seed, and made small', async () => {
  const broken: Shop = {
    ...shop,
    open: ({ runtime, device, outside }) =>
      void runtime.handle('order.placed', 'send', ({ id }) => outside(() => add(device, id)), { from: 'earliest' }),
  };
  const failure = await failureOf(broken);
  expect(failure.message).toMatch(/^seed \d+: device\d sent \d receipts for /);
  expect(failure.message).toContain(`{ from: ${failure.seed}, seeds: 1, steps: ${failure.steps}, … }`);
  expect(failure.steps).toBeLessThan(30);
  expect(failure.cause).toBeInstanceOf(Error);

  const again = await failureOf(broken, { from: failure.seed, seeds: 1, steps: failure.steps });
  expect(again.timeline).toEqual(failure.timeline);
});

test('a handler that does its work only where it is tried once is caught: what failed is not done', async () => {
  const giving: Shop = {
    ...shop,
    open: ({ runtime, device, outside }) =>
      void runtime.handle(
        'order.placed',
        'send',
        async ({ id }) => {
          // Whoever swallows a failure has handled the event, as far as anybody knows.
          await outside(() => void device.set(id, 1)).catch(() => undefined);
        },
        { from: 'earliest' },
      ),
  };
  expect((await failureOf(giving)).message).toMatch(/device\d sent 0 receipts for /);
});

test('what must never be is looked at between any two steps', async () => {
  const watched: Shop = {
    ...shop,
    always(devices) {
      for (const { name, device } of devices) if (device.size > 3) throw new Error(`${name} sent more than three`);
    },
  };
  expect((await failureOf(watched)).message).toMatch(/^seed 1: device\d sent more than three/);
});

test('what the application gives up for good is there at rest, and what failed by chance is not', async () => {
  const picky: Shop = {
    ...shop,
    open: ({ runtime, outside }) =>
      void runtime.handle(
        'order.placed',
        'send',
        ({ data }) =>
          outside(() => {
            if (data.number % 2 === 0) throw new NonRetriableError('an even number');
          }),
        { from: 'earliest', maxErrors: 2 },
      ),
    atRest({ devices, logs }) {
      const even = logs.get('default')?.filter(({ data }) => payloadOf(data) % 2 === 0).length;
      for (const { dead } of devices) expect(dead).toHaveLength(even ?? 0);
    },
  };
  expect((await rehearse(picky, { seeds: 8 })).events).toBeGreaterThan(0);
});

test('a handler that never ends is named', async () => {
  const hanging: Shop = {
    ...shop,
    open: ({ runtime }) =>
      void runtime.handle('order.placed', 'send', () => new Promise(() => undefined), { from: 'earliest' }),
  };
  expect((await failureOf(hanging, { seeds: 1, devices: 1, tabs: 1 })).message).toMatch(
    /at rest, device1 has \d+ events that "send" has not handled/,
  );
});

test('a tab whose handlers cannot be defined fails the rehearsal, and says why', async () => {
  const misspelt: Shop = {
    ...shop,
    open({ runtime }) {
      runtime.handle('order.placed', 'send', () => undefined, { maxErrors: 0 });
    },
  };
  expect((await failureOf(misspelt)).message).toMatch(/could not open: .*maxErrors/);
});

test('chance that is not the seed’s is told from a defect', async () => {
  let runs = 0;
  const moody: Shop = {
    ...shop,
    atRest() {
      runs += 1;
      if (runs === 1) throw new Error('only now');
    },
  };
  expect((await failureOf(moody, { seeds: 1, steps: 3 })).message).toContain(
    'it does not fail again with the same seed',
  );
});

test('where the relay forgets, who was away is told of a gap', async () => {
  let gaps = 0;
  const listening: Shop = {
    ...shop,
    open: ({ runtime }) => void runtime.on('order.placed', () => undefined, { onGap: () => (gaps += 1) }),
    atRest: () => undefined,
  };
  await rehearse(listening, { seeds: 15, forgets: true });
  expect(gaps).toBeGreaterThan(0);
});

function payloadOf(data: unknown): number {
  return typeof data === 'object' && data !== null && 'number' in data ? Number(data.number) : 0;
}
