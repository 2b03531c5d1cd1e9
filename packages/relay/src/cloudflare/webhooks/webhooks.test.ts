// Webhooks of an object that dies, or sleeps: its alarm brings them back, and nobody else need come by.
import { env } from 'cloudflare:workers';
import { evictDurableObject, runInDurableObject, SELF } from 'cloudflare:test';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createTestWorld, type TestWorld } from '@godwit/core/testing';
import { newObject, openLogs, rethrow } from '../testing/objects.ts';
import { eventOf } from '../testing/storage.ts';
import { createWebhookSleeper } from './sleeper.ts';

/** A receiver: what runs in workerd goes out by the tests' own fetch. */
function receive(answer: (id: string) => number) {
  const ids: string[] = [];
  const out = vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const { id } = await new Request(input, init).json<{ readonly id: string }>();
    ids.push(id);
    return new Response(null, { status: answer(id) });
  });
  onTestFinished(() => out.mockRestore());
  return ids;
}

async function call(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
  const headers = { 'content-type': 'application/cloudevents+json' };
  const init = body === undefined ? {} : { headers, body: JSON.stringify(body) };
  const response = await SELF.fetch(`https://relay.example/v1/channels/${path}`, { method, ...init });
  return response.json();
}

test('7.10 what was not acknowledged is sent by an object that restarts at its alarm, and what was is not', async () => {
  let status = 500;
  const ids = receive((id) => (id === '1' ? 200 : status));
  const { inside } = newObject();
  await inside(async (storage) => {
    const first = open(storage, createTestWorld());
    const { id } = await first.webhooks.register('room', request);
    await first.append('1', '2');
    await expect.poll(() => first.look(id)).toMatchObject({ delivered: 1, waiting: 1, failed: 1 });
    // The first life's time stands still from here on: it is dead.
    status = 200;
    const second = open(storage, createTestWorld({ now: first.world.now() + 10_000 }));
    await second.ring();
    await expect.poll(() => second.look(id)).toMatchObject({ delivered: 2, waiting: 0, failed: 1 });
    expect(ids).toEqual(['1', '2', '2']);
  });
});

test('an event is stored with an alarm, so that an object which dies behind the commit is woken to send it', async () => {
  receive(() => 200);
  const channel = crypto.randomUUID();
  const stub = env.CHANNELS.getByName(channel);
  await call('POST', `${channel}/webhooks`, { url: 'https://receiver.example/hook' });
  await runInDurableObject(stub, (_, { storage }) => storage.deleteAlarm());
  await evictDurableObject(stub);
  const before = Date.now();
  await call('POST', `${channel}/events`, eventOf('1'));
  const at = await runInDurableObject(stub, (_, { storage }) => storage.getAlarm());
  expect(at).toBeLessThanOrEqual(Date.now() + 60_000);
  expect(at).toBeGreaterThanOrEqual(before + 60_000);
});

test('what waits for hours is left to the alarm, and an object with nothing to send wants none', async () => {
  let status = 500;
  const ids = receive(() => status);
  const { inside } = newObject();
  await inside(async (storage) => {
    const { world, webhooks, ring, dueMs, look, append } = open(storage, createTestWorld());
    expect([dueMs(), await ring()]).toEqual([null, null]);
    const { id } = await webhooks.register('room', { ...request, types: ['todo.*'] });
    await append('1');
    expect(dueMs()).toBe(world.now() + 60_000);
    await expect.poll(() => look(id)).toMatchObject({ failed: 1, waiting: 1 });
    // The second attempt is due within a minute, and has a timer; the third comes by the alarm alone.
    await world.advance(10_000);
    await expect.poll(() => look(id)).toMatchObject({ failed: 2, waiting: 1 });
    await expect.poll(() => webhooks.nextMs()).toBeGreaterThan(world.now() + 60_000);
    const due = webhooks.nextMs() ?? 0;
    status = 200;
    await world.advance(due - world.now());
    expect(ids).toEqual(['1', '1']);
    await ring();
    await expect.poll(() => look(id)).toMatchObject({ delivered: 1, waiting: 0 });
    await expect.poll(() => webhooks.nextMs()).toBeNull();
    // What its filter passes by is nothing to send either.
    await append({ type: 'order.placed' });
    await expect.poll(() => look(id).then(() => webhooks.nextMs())).toBeNull();
    expect(ids).toEqual(['1', '1', '1']);
    await webhooks.remove('room', id);
    expect(dueMs()).toBeNull();
  });
});

const request = { url: 'https://receiver.example/hook', types: [], secret: undefined, after: 'latest' } as const;

/** One life of an object. */
function open(storage: DurableObjectStorage, world: TestWorld) {
  const logs = openLogs(storage, { world });
  const limits = { webhooksPerChannelMax: 1 };
  const sleeper = createWebhookSleeper({ storage, logs, world, limits, allowsPrivate: false, report: rethrow });
  return {
    world,
    webhooks: sleeper.webhooks,
    ring: () => sleeper.ring(),
    dueMs: () => sleeper.dueMs(),
    async look(id: string) {
      // Between two steps the engine gives others a turn, by this world's time.
      await world.advance(0);
      return sleeper.webhooks.get('room', id);
    },
    async append(...what: readonly (string | { readonly type: string })[]) {
      const log = await logs.open('room');
      await log.append(
        what.map((one) => (typeof one === 'string' ? eventOf(one) : eventOf('other', one))),
        0,
      );
      await log.close();
    },
  };
}
