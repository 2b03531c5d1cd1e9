// PROTOCOL.md, rule 7, in seeded worlds: receivers that fail, hang and leave, processes that die within any delivery, channels
// that are trimmed and removed, and a person who retries, discards, rotates and enables. No event is lost without a count.
import { createMemoryLogs, doNow, memoryTable, taskStoreOf, type CloudEvent, type Log, type World } from '@godwit/core';
import { defaultLimits, formatOffset } from '@godwit/core/protocol';
import { createDice, createTestWorld } from '@godwit/core/testing';
import { expect, test } from 'vitest';
import type { Delivery, Receipt, WebhookRecord } from '../src/webhooks/types.ts';
import { createWebhooks, type RunningWebhooks } from '../src/webhooks/webhooks.ts';

const seeds = 40;
const stepsMax = 40;
const hourMs = 3_600_000;
const pausesMs = [0, 10, 6000, 60_000, hourMs, 24 * hourMs] as const;
/** Longer than any wait between two attempts, and as many of them as there are attempts. */
const restHours = 300;

/** One run of a relay's process. */
interface Life {
  isDead: boolean;
  /** What its receiver has acknowledged to it. */
  readonly acknowledged: Set<string>;
}

/** Plays the world of a seed; answers what must never be, and was. */
async function play(seed: number): Promise<readonly string[]> {
  const world = createTestWorld({ seed });
  const dice = createDice(createTestWorld({ seed: seed + 1_000_000 }).random);
  const wrong: string[] = [];
  const logs = createMemoryLogs(world);
  const rows = memoryTable({ records: new Map(), rows: new Map() });
  const records = new Map<string, WebhookRecord>();
  const acknowledged = new Set<string>();
  /** Of the log that there is, by the id of its message. */
  const appended = new Set<string>();
  let discarded = 0;
  let mood: 'up' | 'down' | 'hung' | 'moody' | 'gone' = 'up';
  let goneAt = Infinity;
  let number = 0;
  let trimmed = 0;
  let life: Life = { isDead: false, acknowledged: new Set() };
  let webhooks = start(life);
  const { id } = await webhooks.register('room', {
    url: 'https://receiver.example/hook',
    types: ['todo.*'],
    secret: undefined,
    after: 'earliest',
  });
  let log: Log = await logs.open('room');

  for (let step = dice.whole(10, stepsMax); step > 0; step -= 1) {
    await act();
    await world.advance(dice.pick(pausesMs));
  }
  mood = 'up';
  await enable();
  for (let hours = 0; hours < restHours; hours += 1) await world.advance(hourMs);
  await look();
  return wrong;

  function begin(): void {
    life = { isDead: false, acknowledged: new Set() };
    webhooks = start(life);
  }

  function start(its: Life): RunningWebhooks {
    const own: World = { ...world, after: (ms, callback) => world.after(ms, () => its.isDead || callback()) };
    return createWebhooks({
      logs,
      rows,
      tasks: taskStoreOf(async (_, work) => (its.isDead ? new Promise<never>(() => undefined) : doNow(work(rows)))),
      table: {
        all: () => [...records.values()],
        put: (record) => void (its.isDead || records.set(record.id, record)),
        remove: (name) => void records.delete(name),
      },
      send: (delivery) => (its.isDead ? new Promise<never>(() => undefined) : answer(its, delivery)),
      assertUrl: () => undefined,
      world: own,
      limits: defaultLimits,
      report: (failure) => void wrong.push(`reported: ${failure.message}`),
    });
  }

  async function answer(its: Life, { headers, body, signal }: Delivery): Promise<Receipt> {
    const message = headers['webhook-id'] ?? '';
    const { type } = JSON.parse(body) as CloudEvent;
    if (!type.startsWith('todo.')) wrong.push(`sent ${type}, which nobody asked for`);
    if (world.now() > goneAt + 1000) wrong.push('sent to a receiver that was gone');
    const now = mood === 'moody' ? dice.pick(['up', 'down', 'hung'] as const) : mood;
    if (now === 'down') return { status: dice.pick([500, 302, 404]) };
    if (now === 'gone') {
      goneAt = Math.min(goneAt, world.now());
      return { status: 410 };
    }
    if (now === 'hung') {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      throw new Error('nobody answered');
    }
    if (its.acknowledged.has(message)) wrong.push(`sent ${message} again, acknowledged`);
    its.acknowledged.add(message);
    acknowledged.add(message);
    return { status: 200 };
  }

  async function act(): Promise<void> {
    switch (dice.pick(['append', 'append', 'append', 'mood', 'kill', 'stop', 'trim', 'remove', 'person'] as const)) {
      case 'append':
        return append(dice.whole(1, 30));
      case 'mood':
        mood = dice.pick(['up', 'down', 'hung', 'moody', 'gone']);
        return undefined;
      case 'kill':
        life.isDead = true;
        begin();
        return undefined;
      case 'stop': {
        const stopped = webhooks.stop();
        await world.advance(20_000);
        await stopped;
        begin();
        return undefined;
      }
      case 'trim':
        trimmed += await log.trim({ before: 0, bytesMax: Infinity, eventsMax: dice.whole(1, 20) });
        return undefined;
      case 'remove':
        if (!dice.chance(0.3) || !(await logs.remove('room'))) return undefined;
        log = await logs.open('room');
        // What it held is nobody's any more.
        appended.clear();
        webhooks.removed('room');
        return undefined;
      default:
        return person();
    }
  }

  async function append(events: number): Promise<void> {
    const { epoch } = await log.stat();
    const all = Array.from({ length: events }, (): CloudEvent => {
      number += 1;
      const type = dice.pick(['todo.added', 'todo.added', 'order.placed']);
      return { specversion: '1.0', id: String(number), source: '/alice', type };
    });
    const outcomes = await log.append(all, 0);
    for (const [index, { sequence }] of outcomes.entries()) {
      if (all[index]?.type === 'todo.added') appended.add(messageOf(epoch, sequence));
    }
  }

  async function person(): Promise<void> {
    const what = dice.pick(['enable', 'rotate', 'retry', 'discard'] as const);
    if (what === 'enable') return enable();
    if (what === 'rotate') return void (await webhooks.rotate('room', id, undefined));
    const changed = await webhooks.change('room', id, what, undefined);
    if (what === 'discard') discarded += changed;
    return undefined;
  }

  async function enable(): Promise<void> {
    goneAt = Infinity;
    await webhooks.enable('room', id);
  }

  async function look(): Promise<void> {
    const { waiting, dead, dropped, state } = await webhooks.get('room', id);
    if (state !== 'active' || waiting > 0) wrong.push(`at rest it is ${state}, and ${waiting} wait`);
    if (webhooks.nextMs() !== null) wrong.push('at rest it wants to be woken');
    const gone = dead + discarded;
    const missing = [...appended].filter((message) => !acknowledged.has(message)).length;
    const { retention = 0 } = dropped;
    if (retention > trimmed) wrong.push(`${retention} are counted as trimmed, of ${trimmed}`);
    if (missing > gone + retention)
      wrong.push(`${missing} were not acknowledged; ${gone} are dead, ${retention} trimmed`);
  }
}

function messageOf(epoch: string, sequence: number): string {
  return `msg_${formatOffset(epoch, sequence).replaceAll('.', '_')}_room`;
}

test.each(Array.from({ length: seeds }, (_, index) => index + 1))(
  'seed %i: no event is lost without a count, and none is sent again that was acknowledged to this process',
  async (seed) => {
    expect(await play(seed)).toEqual([]);
  },
);
