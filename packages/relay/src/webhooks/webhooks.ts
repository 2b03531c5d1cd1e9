// A relay's webhooks: each is a durable handler over its channel's log, a stored cursor, with rows for what is to be tried again.
import {
  createDurable,
  Failure,
  type Durable,
  type HandlerSpec,
  type Logs,
  type TaskStore,
  type TaskTable,
  type World,
} from '@godwit/core';
import { compileTypes } from '@godwit/core/feed';
import { parsePosition, resolvePosition, type Limits } from '@godwit/core/protocol';
import { createCourier, type Courier } from './courier.ts';
import { openWebhookLog, positionOf, type WebhookLog } from './reading.ts';
import { attemptsMax } from './schedule.ts';
import { createSecret } from './sign.ts';
import type { DeadLetter, Send, WebhookRecord, Webhooks, WebhookTable, WebhookView } from './types.ts';

/** Webhooks, and their end. */
export interface RunningWebhooks extends Webhooks {
  /** A channel's log was removed: its webhooks go on with the next one. */
  removed(channel: string): void;
  /** Whether any is registered, whatever its state. */
  readonly isAny: boolean;
  /**
   * The wall clock's milliseconds by which they want to be looked at again: when the next event is to be tried again, or soon
   * while something is under way; null while there is nothing to send. For a host that sleeps between.
   */
  nextMs(): number | null;
  /** That time has come: they look at what is due. */
  look(): void;
  /** Gives deliveries under way a moment to end, `withinMs` at most, and stops. What was not acknowledged is sent by the next process. */
  stop(withinMs?: number): Promise<void>;
}

/** Deliveries under way at once, of one webhook: a receiver far away gets some hundred events a second. */
const atOnce = 8;
/** Events of one webhook that wait to be tried again; beyond, its cursor waits in the log, which keeps what retention says. */
const waitingMax = 1000;
/** How long a secret signs beside the one that has replaced it. */
const rotationMs = 24 * 60 * 60 * 1000;
/** What is under way when the relay ends has so long. */
const graceMs = 2000;
/** What is under way has ended one way or another by then: four times as long as a receiver may take. */
const lookAgainMs = 60_000;

interface Running {
  record: WebhookRecord;
  readonly durable: Durable;
  readonly log: WebhookLog;
  readonly courier: Courier;
}

/** Starts the webhooks that are stored. */
export function createWebhooks(parts: {
  readonly logs: Pick<Logs, 'open'>;
  readonly table: WebhookTable;
  readonly tasks: TaskStore;
  /** What `tasks` keeps, to be looked at at once. */
  readonly rows: Pick<TaskTable, 'record'>;
  readonly send: Send;
  /** Checks where a webhook may go. Throws `InvalidRequest`. */
  readonly assertUrl: (url: string) => void;
  readonly world: World;
  readonly limits: Pick<Limits, 'webhooksPerChannelMax'>;
  readonly report: (failure: Failure) => void;
}): RunningWebhooks {
  const { logs, table, tasks, rows, send, assertUrl, world, limits, report } = parts;
  const all = new Map<string, Running>();
  const tab = world.id();
  const over = new AbortController();
  for (const record of table.all()) start(record);

  return {
    async register(channel, { url, types, secret = createSecret(), after }) {
      assertUrl(url);
      const log = await logs.open(channel);
      const { epoch, head, tail } = await log.stat();
      await log.close();
      // Behind the last wait: of two that come at once, the second counts the first.
      if (of(channel).length >= limits.webhooksPerChannelMax) {
        throw new Failure('RateLimited', `the channel "${channel}" has its ${limits.webhooksPerChannelMax} webhooks`);
      }
      const { after: behind } = resolvePosition(parsePosition(after), { epoch, head, tail });
      const begun = { epoch, generation: 0, start: positionOf(0, behind), missed: 0 };
      const id = `whk_${world.id().replaceAll('-', '')}`;
      const made = {
        id,
        channel,
        url,
        types,
        secret,
        previous: null,
        state: 'active',
        createdAt: world.now(),
      } as const;
      const record: WebhookRecord = { ...made, ...begun };
      table.put(record);
      return { ...viewOf(start(record)), secret };
    },
    list: async (channel) => of(channel).map(viewOf),
    get: async (channel, id) => viewOf(find(channel, id)),
    async remove(channel, id) {
      const its = find(channel, id);
      // First: where the disk does not take it, it is still there.
      table.remove(id);
      all.delete(id);
      await its.durable.stop(0);
      await its.log.close();
      await tasks.forget(id);
    },
    async rotate(channel, id, secret = createSecret()) {
      const its = find(channel, id);
      const previous = { secret: its.record.secret, until: world.now() + rotationMs };
      change(its, { secret, previous });
      return { ...viewOf(its), secret };
    },
    async enable(channel, id) {
      const its = find(channel, id);
      if (its.record.state === 'gone') {
        change(its, { state: 'active' });
        define(its);
      }
      return viewOf(its);
    },
    async dead(channel, id, { after, limit }) {
      const its = find(channel, id);
      const from = after === undefined ? {} : { after: { handler: id, position: positionIn(after) } };
      const page = await its.durable.tasks({ handler: id, states: ['dead'] }, { ...from, limit });
      const dead = page.tasks.map(({ position, event, attempts, failure, at }): DeadLetter => {
        const why = failure === null ? null : { name: failure.name, message: failure.message };
        return { id: String(position), event, attempts, failure: why, at: new Date(at).toISOString() };
      });
      return { dead, next: page.next === null ? null : String(page.next.position) };
    },
    async change(channel, id, what, letter) {
      const its = find(channel, id);
      const which = letter === undefined ? {} : { position: positionIn(letter) };
      const changed = await its.durable.change({ handler: id, states: ['dead'], ...which }, what);
      if (changed === 0 && letter !== undefined) throw new Failure('NotFound', `there is no dead letter ${letter}`);
      return changed;
    },
    removed(channel) {
      for (const { log } of of(channel)) log.reopen();
    },
    get isAny() {
      return all.size > 0;
    },
    nextMs() {
      const times = [...all.values()].map(nextOf).filter((time) => time !== null);
      return times.length === 0 ? null : Math.min(...times);
    },
    look() {
      for (const { record, durable } of all.values()) durable.look(record.id);
    },
    async stop(withinMs = graceMs) {
      const itsMs = Math.min(graceMs, Math.max(0, withinMs));
      await Promise.all([...all.values()].map(({ durable }) => durable.stop(itsMs)));
      over.abort();
      await Promise.all([...all.values()].map(({ log }) => log.close()));
    },
  };

  function start(record: WebhookRecord): Running {
    const { id, channel, types } = record;
    const matches = types.length === 0 ? () => true : compileTypes(types);
    const rowsNow = (): Record<string, number> => ({ ...recordOf(id)?.rows });
    const waiting = (): number => (rowsNow()['waiting'] ?? 0) + (rowsNow()['running'] ?? 0);
    const log = openWebhookLog({
      logs,
      tasks,
      record: () => its.record,
      change: (changed) => change(its, changed),
      matches,
      isFull: () => waiting() >= waitingMax,
      grew: () => durable.wake(),
    });
    const courier = createCourier({
      record: () => its.record,
      send,
      world,
      deadRows: () => rowsNow()['dead'] ?? 0,
      settle(outcomes) {
        durable.settle(outcomes);
        // There may be room again for what waits in the log.
        durable.wake();
      },
      gone: () => retire(its),
    });
    const durable = createDurable({
      store: log.store,
      world,
      tab,
      host: courier,
      channels: new Set([channel]),
      scheduler: 'concurrent',
      batchMax: atOnce,
      signal: over.signal,
      isPaused: () => false,
      // The file is this process's alone: whoever had a lease before is gone.
      gone: async () => true,
      lost: report,
      report,
      changed: () => undefined,
      announce: () => undefined,
    });
    const its: Running = { record, durable, log, courier };
    all.set(id, its);
    if (record.state === 'active') define(its);
    return its;
  }

  function define({ record, durable }: Running): void {
    durable.define(specOf(record), record.start).catch(report);
  }

  /** Its receiver answered 410: nothing is sent to it any more. */
  function retire(its: Running): void {
    if (its.record.state === 'gone') return;
    change(its, { state: 'gone' });
    its.durable.undefine(its.record.id, 0).catch(report);
  }

  function change(its: Running, changed: Partial<WebhookRecord>): void {
    const record = { ...its.record, ...changed };
    // First: what the disk does not take is not so.
    if (all.has(record.id)) table.put(record);
    its.record = record;
  }

  function of(channel: string): readonly Running[] {
    return [...all.values()].filter(({ record }) => record.channel === channel);
  }

  function find(channel: string, id: string): Running {
    const its = all.get(id);
    if (its !== undefined && its.record.channel === channel) return its;
    throw new Failure('NotFound', `the channel "${channel}" has no webhook "${id.slice(0, 80)}"`);
  }

  function nextOf({ record, log, courier }: Running): number | null {
    if (record.state === 'gone') return null;
    const now = world.now();
    const { due = null, rows = { running: 0 } } = recordOf(record.id) ?? {};
    // What is due is about to be taken.
    const isUnderWay = courier.inFlight + rows.running > 0 || !log.isRead || (due !== null && due <= now);
    const soon = isUnderWay ? now + lookAgainMs : Infinity;
    const next = Math.min(soon, due !== null && due > now ? due : Infinity);
    return next === Infinity ? null : next;
  }

  function recordOf(id: string) {
    const found = rows.record(id);
    return found instanceof Promise ? undefined : found;
  }

  function viewOf({ record }: Running): WebhookView {
    const { id, channel, url, types, state, createdAt, previous, missed } = record;
    const known = recordOf(id);
    const { handled = 0, failed = 0, dropped = {} } = known?.totals ?? {};
    return {
      id,
      channel,
      url,
      types,
      state,
      createdAt: new Date(createdAt).toISOString(),
      ...(previous !== null && previous.until > world.now()
        ? { previousSecretUntil: new Date(previous.until).toISOString() }
        : {}),
      delivered: handled,
      failed,
      waiting: known?.rows.waiting ?? 0,
      dead: known?.rows.dead ?? 0,
      dropped: missed === 0 ? dropped : { ...dropped, retention: missed },
    };
  }
}

function specOf({ id }: WebhookRecord): HandlerSpec {
  const what = { name: id, pattern: '**', channel: null, order: 'relay', from: 'earliest' } as const;
  return { ...what, concurrency: atOnce, maxErrors: attemptsMax, keyed: false };
}

/** @throws Failure `NotFound`: what is no number is no dead letter's id */
function positionIn(letter: string): number {
  if (/^\d{1,16}$/.test(letter)) return Number(letter);
  throw new Failure('NotFound', `there is no dead letter ${JSON.stringify(letter.slice(0, 40))}`);
}
