import { expect, test } from 'vitest';
import { createMemoryTelemetry, type MemoryTelemetry } from '../../memory/telemetry.ts';
import { formatTraceparent } from '../../ports/telemetry-traceparent.ts';
import { createTestLogger } from '../../testing/logger.ts';
import { createDevice, type TestDevice } from './test/device.ts';

async function open(prefix?: string) {
  const device = createDevice();
  const telemetry = createMemoryTelemetry(device.world, prefix);
  const shop = await device.tab({ telemetry });
  return { ...device, telemetry, shop };
}

const total = (telemetry: MemoryTelemetry, name: string, fits: Readonly<Record<string, unknown>> = {}): number =>
  telemetry
    .counted(name)
    .filter(({ attributes }) => Object.entries(fits).every(([key, value]) => attributes[key] === value))
    .reduce((sum, { value }) => sum + value, 0);

const gauge = (
  telemetry: MemoryTelemetry,
  name: string,
  fits: Readonly<Record<string, unknown>> = {},
): number | undefined =>
  telemetry
    .observed(name)
    .find(({ attributes }) => Object.entries(fits).every(([key, value]) => attributes[key] === value))?.value;

async function settled({ world }: TestDevice): Promise<void> {
  await world.settle();
  await world.settle();
}

test('what durable handlers take and end is counted after the commit, runs that throw as failures', async () => {
  const device = await open();
  const { shop, telemetry, world } = device;
  shop.handle(
    'order.placed',
    'ship',
    ({ data }, { attempt }) => {
      if (data.n === 2 && attempt === 1) throw new Error('busy');
      if (data.n === 3) throw new Error('broken');
    },
    { maxErrors: 2, backoff: () => 1000 },
  );
  await settled(device);
  for (const n of [1, 2, 3]) await shop.publish('order.placed', { n });
  await world.advance(5000);
  const handler = { 'godwit.handler': 'ship' };
  expect(total(telemetry, 'godwit.processed', handler)).toBe(3);
  expect(total(telemetry, 'godwit.handled', { ...handler, 'godwit.outcome': 'success' })).toBe(2);
  expect(total(telemetry, 'godwit.handled', { ...handler, 'godwit.outcome': 'failure' })).toBe(1);
  expect(total(telemetry, 'godwit.executions', { ...handler, 'godwit.error': false })).toBe(2);
  expect(total(telemetry, 'godwit.executions', { ...handler, 'godwit.error': true })).toBe(3);
  expect(telemetry.recorded('godwit.execute.duration').length).toBe(5);
  expect(telemetry.recorded('godwit.handle.latency').length).toBe(5);
});

test('gauges tell of the backlog, the age of its oldest, dead letters and the scheduler, by whoever runs the handler, and end with it', async () => {
  const device = await open();
  const { shop, telemetry, world } = device;
  const second = createMemoryTelemetry(world);
  const other = await device.tab({ telemetry: second });
  for (const tab of [shop, other]) {
    tab.handle('order.placed', 'ship', () => Promise.reject(new Error('broken')), {
      maxErrors: 2,
      backoff: () => 60_000,
    });
    await settled(device);
  }
  await shop.publish('order.placed', { n: 1 });
  await world.advance(30_000);
  expect(gauge(telemetry, 'godwit.backlog')).toBe(1);
  expect(gauge(telemetry, 'godwit.oldest.age')).toBe(30);
  expect(gauge(telemetry, 'godwit.dead')).toBe(0);
  expect(gauge(telemetry, 'godwit.scheduler.state', { 'godwit.state': 'running' })).toBe(1);
  expect(gauge(telemetry, 'godwit.scheduler.state', { 'godwit.state': 'paused' })).toBe(0);
  expect(gauge(second, 'godwit.backlog')).toBeUndefined();
  shop.tasks.pause();
  expect(gauge(telemetry, 'godwit.scheduler.state', { 'godwit.state': 'paused' })).toBe(1);
  shop.tasks.resume();
  await world.advance(60_000);
  expect(gauge(telemetry, 'godwit.backlog')).toBe(0);
  expect(gauge(telemetry, 'godwit.dead')).toBe(1);
  await shop.close();
  expect(telemetry.observed('godwit.backlog')).toEqual([]);
  expect(telemetry.observed('godwit.scheduler.state')).toEqual([]);
});

test('a batch has a span, and each of its events a root of its own, linked to the batch and to the publisher', async () => {
  const device = await open('shop.');
  const { shop, telemetry } = device;
  shop.handle('order.placed', 'pay', (_, { publish }) => publish('order.paid', { n: 1 }));
  await settled(device);
  await shop.publish('order.placed', { n: 1 });
  await settled(device);
  const named = (name: string) => telemetry.spans.filter((span) => span.name === `shop.${name}`);
  const [placed, paid] = named('publish');
  const [batch] = named('process');
  const [handled] = named('handle');
  expect(batch).toMatchObject({ parent: undefined, attributes: { 'shop.handler': 'pay', 'shop.batch.size': 1 } });
  expect(handled?.parent).toBeUndefined();
  expect(handled?.links).toEqual(expect.arrayContaining([batch?.context, placed?.context]));
  expect(handled?.attributes).toMatchObject({ 'shop.handler.kind': 'durable', 'shop.attempt': 1 });
  // What the handler published is its child.
  expect(paid?.parent).toEqual(handled?.context);
  expect((await shop.tasks.list()).tasks).toEqual([]);
  expect(placed && formatTraceparent(placed.context)).toMatch(/^00-/);
});

test('a failed attempt is a failed span; a warning while it is tried again, an error and a report once it is final', async () => {
  const device = createDevice();
  const { world, reports } = device;
  const telemetry = createMemoryTelemetry(world);
  const logger = createTestLogger();
  const shop = await device.tab({ telemetry, logger });
  shop.handle('order.placed', 'ship', () => Promise.reject(new Error('broken')), { maxErrors: 2, backoff: () => 1000 });
  await settled(device);
  await shop.publish('order.placed', { n: 1 });
  await world.advance(5000);
  expect(telemetry.spans.filter(({ name }) => name === 'godwit.handle').map(({ failure }) => failure)).toEqual([
    expect.stringContaining('broken'),
    expect.stringContaining('broken'),
  ]);
  expect(logger.lines.map(({ level }) => level)).toEqual(['warn', 'error']);
  expect(reports).toHaveLength(1);
});

test('the span of a batch whose lease is lost ends with it', async () => {
  const device = await open();
  const { shop, telemetry } = device;
  shop.handle('order.placed', 'stuck', () => new Promise(() => undefined));
  await settled(device);
  await shop.publish('order.placed', { n: 1 });
  await settled(device);
  expect(telemetry.spans.filter(({ name }) => name === 'godwit.process')).toHaveLength(0);
  const closing = shop.close();
  await device.world.advance(10_000);
  await closing;
  expect(telemetry.spans.filter(({ name }) => name === 'godwit.process')).toHaveLength(1);
  expect(telemetry.spans.filter(({ name }) => name === 'godwit.handle')).toHaveLength(1);
});
