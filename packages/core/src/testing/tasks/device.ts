// What the contract of durable handlers writes and reads: rows, steps, and whether counts agree with what is stored.
import { expect, onTestFinished } from 'vitest';
import type { CloudEvent } from '../../event/cloudevent.ts';
import type { Position } from '../../ports/store.ts';
import type {
  Advanced,
  DeviceStore,
  HandlerRecord,
  LeaseRequest,
  Step,
  TaskKey,
  TaskQuery,
  TaskRow,
  TaskStore,
} from '../../ports/tasks.ts';
import { event, type StoreDevice } from '../store/device.ts';

/** A browser, or whatever has disks, with the databases of its users. */
export type TaskDevice = Pick<StoreDevice, 'open' | 'dispose'>;

/** Makes a device, with one tab open on it; it is thrown away with the test. */
export type OpenTasks = () => Promise<{ readonly device: TaskDevice; readonly store: DeviceStore }>;

/** Opens devices for tests. */
export function tasksOf(make: () => TaskDevice | Promise<TaskDevice>): OpenTasks {
  return async () => {
    const device = await make();
    onTestFinished(() => device.dispose());
    return { device, store: await device.open() };
  };
}

/** The handler that most tests are about. */
export const receipts = 'send-receipt';

/** A row of it that waits, and is due at 1000. */
export function row(position: Position, its: Partial<TaskRow> = {}): TaskRow {
  return {
    handler: receipts,
    position,
    state: 'waiting',
    channel: 'orders',
    event: event(`event-${position}`, { position }),
    offset: null,
    attempts: 1,
    key: null,
    at: 1000,
    delayMs: 0,
    failure: null,
    ...its,
  };
}

/** A row whose event no store can keep. */
export function unstorable(position: Position, its: Partial<TaskRow> = {}): TaskRow {
  const secret: CloudEvent = event('unstorable', () => 'a function');
  return row(position, { ...its, event: secret });
}

/** A step that changes nothing but what is said. */
export function step(record: HandlerRecord, its: Partial<Step> = {}): Step {
  const { name: handler, term, cursor, claimed, ended } = record;
  return {
    handler,
    term,
    at: 1000,
    cursor,
    claimed,
    ended,
    put: [],
    remove: [],
    unblock: [],
    queue: [],
    claim: 0,
    totals: { passed: 0, handled: 0, failed: 0, dropped: {} },
    release: false,
    ...its,
  };
}

/** Leases the handler to alice from the log's beginning, unless something else is said. */
export async function leased(store: TaskStore, its: Partial<LeaseRequest> = {}): Promise<HandlerRecord> {
  const record = await store.lease({ handler: receipts, tab: 'alice', at: 500, start: 0, ...its });
  if (record === null) throw new Error('there is no such handler');
  return record;
}

/** Takes a step that must not be fenced. */
export async function advanced(store: TaskStore, record: HandlerRecord, its: Partial<Step> = {}): Promise<Advanced> {
  const answer = await store.advance(step(record, its));
  if (answer === 'fenced') throw new Error('the step was fenced');
  return answer;
}

/** A handler with these rows, leased to alice. */
export async function holding(store: TaskStore, ...rows: readonly TaskRow[]): Promise<HandlerRecord> {
  return (await advanced(store, await leased(store), { put: rows })).record;
}

/** A handler's record. */
export async function recordOf(store: TaskStore, name: string = receipts): Promise<HandlerRecord> {
  const record = (await store.handlers()).find((each) => each.name === name);
  if (record === undefined) throw new Error(`there is no handler "${name}"`);
  return record;
}

/** Every row that a query asks for, read in pages. */
export async function rowsOf(store: TaskStore, query: TaskQuery = {}, limit = 100): Promise<readonly TaskRow[]> {
  const rows: TaskRow[] = [];
  for (let after: TaskKey | null | undefined; after !== null;) {
    const page = await store.tasks(query, { ...(after === undefined ? {} : { after }), limit });
    expect(page.tasks.length).toBeLessThanOrEqual(limit);
    rows.push(...page.tasks);
    after = page.next;
  }
  return rows;
}

/** The states of a handler's rows, by position. */
export async function statesOf(store: TaskStore, handler: string = receipts): Promise<Record<Position, string>> {
  return Object.fromEntries((await rowsOf(store, { handler })).map(({ position, state }) => [position, state]));
}

/** The positions of some rows. */
export function positionsOf(rows: readonly TaskKey[]): readonly Position[] {
  return rows.map(({ position }) => position);
}

/** Expects that every handler's counts, and when it is due, are what its rows say. */
export async function expectAgreement(store: TaskStore): Promise<void> {
  for (const { name, rows, due } of await store.handlers()) {
    const stored = await rowsOf(store, { handler: name });
    const counts = { waiting: 0, blocked: 0, running: 0, dead: 0, deferred: 0, cancelled: 0 };
    for (const { state } of stored) counts[state] += 1;
    const dues = stored.flatMap(({ state, at, delayMs }) => (state === 'waiting' ? [at + delayMs] : []));
    expect(rows, `the rows of "${name}"`).toEqual(counts);
    expect(due, `when "${name}" is due`).toBe(dues.length === 0 ? null : Math.min(...dues));
  }
}

/** Everything that is kept of durable handlers, to be compared. */
export async function everythingOf(store: TaskStore): Promise<unknown> {
  return { handlers: await store.handlers(), rows: await rowsOf(store) };
}
