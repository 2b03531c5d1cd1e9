// PROTOCOL.md, rule 7, over days: in a world whose time the test moves, with a receiver that it makes up.
import { createMemoryLogs, Failure, memoryTable, taskStoreOf, doNow, type CloudEvent } from '@godwit/core';
import { defaultLimits } from '@godwit/core/protocol';
import { createTestWorld } from '@godwit/core/testing';
import { Webhook } from 'standardwebhooks';
import { expect, onTestFinished, test } from 'vitest';
import { attemptsMax } from '../src/webhooks/schedule.ts';
import type { Delivery, Receipt, WebhookRecord } from '../src/webhooks/types.ts';
import { createWebhooks } from '../src/webhooks/webhooks.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

async function create(answer: (id: string, delivery: Delivery) => Receipt | Promise<Receipt>) {
  const world = createTestWorld();
  const logs = createMemoryLogs(world);
  const rows = memoryTable({ records: new Map(), rows: new Map() });
  const records = new Map<string, WebhookRecord>();
  const attempts: { readonly id: string; readonly at: number; readonly delivery: Delivery }[] = [];
  const begin = world.now();
  const disk = { isFull: false };
  const write = (work: () => void): void => {
    if (disk.isFull) throw new Failure('StorageFailed', 'the disk is full');
    work();
  };
  const webhooks = createWebhooks({
    logs,
    rows,
    tasks: taskStoreOf(async (_, work) => doNow(work(rows))),
    table: {
      all: () => [...records.values()],
      put: (record) => write(() => records.set(record.id, record)),
      remove: (id) => write(() => records.delete(id)),
    },
    async send(delivery) {
      const { id } = JSON.parse(delivery.body) as CloudEvent;
      attempts.push({ id, at: world.now() - begin, delivery });
      return answer(id, delivery);
    },
    assertUrl: () => undefined,
    world,
    limits: defaultLimits,
    report(failure) {
      throw failure;
    },
  });
  onTestFinished(async () => {
    const stopped = webhooks.stop();
    await world.advance(10_000);
    await stopped;
  });
  const { id } = await webhooks.register('room', {
    url: 'https://receiver.example/hook',
    types: [],
    secret: undefined,
    after: 'latest',
  });
  const log = await logs.open('room');
  return {
    world,
    webhooks,
    attempts,
    log,
    disk,
    id,
    look: () => webhooks.get('room', id),
    async append(...names: readonly string[]) {
      await log.append(
        names.map((name) => ({ specversion: '1.0', id: name, source: '/alice', type: 'todo.added' })),
        0,
      );
      await world.settle();
      await world.advance(0);
    },
  };
}

test('7.7 an event is tried again over days; what fails for good is a dead letter, which is listed, sent again, or discarded', async () => {
  let status = 500;
  const { world, webhooks, attempts, append, look, id } = await create(() => ({ status }));
  await append('1', '2');
  for (let hours = 0; hours < 100; hours += 1) await world.advance(hourMs);
  const own = attempts.filter((attempt) => attempt.id === '1');
  expect(own).toHaveLength(attemptsMax);
  // Some three days, more or less by chance; and under one id.
  expect(own.at(-1)?.at).toBeGreaterThan(2.5 * dayMs);
  expect(own.at(-1)?.at).toBeLessThan(4 * dayMs);
  expect(new Set(own.map(({ delivery }) => delivery.headers['webhook-id'])).size).toBe(1);
  expect(own.map(({ at }) => at)).not.toEqual(attempts.filter((attempt) => attempt.id === '2').map(({ at }) => at));
  expect(await look()).toMatchObject({ dead: 2, waiting: 0, delivered: 0, failed: 2 * attemptsMax });

  const { dead, next } = await webhooks.dead('room', id, { after: undefined, limit: 1 });
  const failure = { name: 'HandlerFailed', message: 'the receiver answered 500' };
  expect(dead).toEqual([
    { id: '1', event: expect.objectContaining({ id: '1' }), attempts: attemptsMax, failure, at: expect.any(String) },
  ]);
  expect((await webhooks.dead('room', id, { after: next ?? '', limit: 10 })).dead).toMatchObject([{ id: '2' }]);

  status = 200;
  expect(await webhooks.change('room', id, 'retry', '1')).toBe(1);
  await world.advance(1000);
  expect(await look()).toMatchObject({ dead: 1, delivered: 1 });
  expect(await webhooks.change('room', id, 'discard', undefined)).toBe(1);
  expect(await look()).toMatchObject({ dead: 0, delivered: 1, dropped: { discarded: 1 } });
  await expect(webhooks.change('room', id, 'retry', '1')).rejects.toMatchObject({ name: 'NotFound' });
  await expect(webhooks.change('room', id, 'retry', 'nonsense')).rejects.toMatchObject({ name: 'NotFound' });
});

test('7.5 a receiver that asks for a longer wait gets it, up to a day', async () => {
  const { world, attempts, append } = await create(() => ({ status: 503, retryAfter: '7200' }));
  await append('1');
  await world.advance(1.9 * hourMs);
  expect(attempts).toHaveLength(1);
  await world.advance(0.2 * hourMs);
  expect(attempts).toHaveLength(2);
  const greedy = await create(() => ({ status: 503, retryAfter: '99999999' }));
  await greedy.append('1');
  await greedy.world.advance(25 * hourMs);
  expect(greedy.attempts).toHaveLength(2);
});

test('7.5 a receiver that answers nothing is given up after its time, and holds up no other event for longer', async () => {
  const { world, attempts, append, look } = await create((id, { signal }) =>
    id === 'stalled'
      ? new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))
      : { status: 200 },
  );
  await append('stalled', '1', '2', '3');
  expect(await look()).toMatchObject({ delivered: 3, failed: 0 });
  await world.advance(15_000);
  expect(await look()).toMatchObject({ delivered: 3, failed: 1, waiting: 1 });
  expect(attempts.map(({ id }) => id)).toEqual(['stalled', '1', '2', '3']);
});

test('7.9 of two that are registered at once where there is room for one, one is', async () => {
  const { webhooks } = await create(() => ({ status: 200 }));
  const register = () =>
    webhooks.register('room', { url: 'https://receiver.example/hook', types: [], secret: undefined, after: 'latest' });
  const most = defaultLimits.webhooksPerChannelMax;
  while ((await webhooks.list('room')).length < most - 1) await register();
  const both = await Promise.allSettled([register(), register()]);
  expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  expect(await webhooks.list('room')).toHaveLength(most);
});

test('7.12 of a receiver that is down so many events wait to be tried again; the others wait in the log, and none is lost', async () => {
  let status = 500;
  const { world, append, look, attempts } = await create(() => ({ status }));
  for (let begin = 0; begin < 2000; begin += 100) {
    await append(...Array.from({ length: 100 }, (_, index) => String(begin + index)));
  }
  const { waiting } = await look();
  // What was under way when the bound was reached comes on top.
  expect([waiting >= 1000, waiting < 1010]).toEqual([true, true]);
  status = 200;
  for (let minutes = 0; minutes < 10; minutes += 1) await world.advance(60_000);
  expect(await look()).toMatchObject({ delivered: 2000, waiting: 0, dead: 0, dropped: {} });
  expect(new Set(attempts.map(({ id }) => id)).size).toBe(2000);
});

test('7.12 what retention takes before it was sent is counted', async () => {
  let status = 500;
  const { world, append, look, log } = await create(() => ({ status }));
  for (let begin = 0; begin < 1500; begin += 100) {
    await append(...Array.from({ length: 100 }, (_, index) => String(begin + index)));
  }
  const { waiting } = await look();
  await log.trim({ before: 0, bytesMax: Infinity, eventsMax: 100 });
  status = 200;
  for (let minutes = 0; minutes < 10; minutes += 1) await world.advance(60_000);
  expect(await look()).toMatchObject({ delivered: waiting + 100, waiting: 0, dropped: { retention: 1400 - waiting } });
});

test('8.4 what a full disk does not take of a webhook’s change is not changed, also a day later', async () => {
  const { world, webhooks, attempts, append, look, id, disk } = await create(() => ({ status: 200 }));
  const { secret } = await webhooks.rotate('room', id, undefined);
  const before = await look();
  const full = { name: 'StorageFailed' };
  disk.isFull = true;
  await expect(webhooks.rotate('room', id, undefined)).rejects.toMatchObject(full);
  await expect(webhooks.remove('room', id)).rejects.toMatchObject(full);
  expect(await look()).toEqual(before);
  disk.isFull = false;
  await world.advance(25 * hourMs);
  await append('1');
  const { body = '', headers = {} } = attempts[0]?.delivery ?? {};
  // Nobody has seen the other secret. The clock of what checks is not this world's.
  const at = new Date(Number(headers['webhook-timestamp']) * 1000);
  const signature = new Webhook(secret).sign(headers['webhook-id'] ?? '', at, body);
  expect(headers['webhook-signature']).toBe(signature);
  await webhooks.remove('room', id);
  await expect(look()).rejects.toMatchObject({ name: 'NotFound' });
});
