import { expect, test } from 'vitest';
import type { TaskRow } from '../../ports/tasks.ts';
import { step } from '../../testing/tasks/device.ts';
import { memoryTable } from './memory-table.ts';
import { all, doLater, doNow, one } from './steps.ts';
import { taskStoreOf } from './task-store.ts';

test('a step that was committed without our knowing is not done again, and its answer is the first one', async () => {
  const table = memoryTable({ records: new Map(), rows: new Map() });
  let runs = 0;
  const store = taskStoreOf(async (_what, work) => {
    doNow(work(table));
    runs += 1;
    return doNow(work(table));
  });
  const record = await store.lease({ handler: 'send-receipt', tab: 'alice', at: 1, start: 0 });
  if (record === null) throw new Error('there is no such handler');
  const totals = { passed: 3, handled: 2, failed: 1, dropped: { skipped: 1 } };
  const answer = await store.advance({ ...step(record), put: [row(1), row(2), row(3)], claim: 2, totals });
  expect(runs).toBe(2);
  expect(answer).toMatchObject({
    claimed: [
      { position: 1, attempts: 2 },
      { position: 2, attempts: 2 },
    ],
  });
  expect(await store.handlers()).toMatchObject([{ beat: 1, term: 1, rows: { waiting: 1, running: 2 }, totals }]);
  expect(await store.advance({ ...step(record), release: true })).toMatchObject({ record: { owner: null } });
});

test('a step that was taken over in between is fenced, whatever was committed before', async () => {
  const table = memoryTable({ records: new Map(), rows: new Map() });
  const store = taskStoreOf(async (_what, work) => doNow(work(table)));
  const record = await store.lease({ handler: 'send-receipt', tab: 'alice', at: 1, start: 0 });
  if (record === null) throw new Error('there is no such handler');
  const unsure = taskStoreOf(async (_what, work) => {
    doNow(work(table));
    table.putRecord({ ...record, owner: 'bob', term: 2, beat: 1 });
    return doNow(work(table));
  });
  expect(await unsure.advance(step(record))).toBe('fenced');
});

test('answers that are there at once and answers that come later are taken alike', async () => {
  function* work(): Generator<Promise<unknown>, string, void> {
    const [here, later] = yield* all<string>(['here', Promise.resolve('later')]);
    return `${here}, ${later}, ${yield* one(Promise.resolve('last'))}`;
  }
  expect(await doLater(work())).toBe('here, later, last');
  expect(() => doNow(work())).toThrow('needs doLater');
  expect(() => [...work()]).toThrow('whoever drives the steps must wait');
});

test('an answer that fails ends the work with it', async () => {
  function* work(): Generator<Promise<unknown>, string, void> {
    return yield* one(Promise.reject<string>(new Error('no room')));
  }
  await expect(doLater(work())).rejects.toThrow('no room');
});

function row(position: number): TaskRow {
  return {
    handler: 'send-receipt',
    position,
    state: 'waiting',
    channel: 'orders',
    event: { specversion: '1.0', id: `${position}`, source: 'urn:test', type: 'order.paid' },
    offset: null,
    attempts: 1,
    key: null,
    at: 1,
    delayMs: 0,
    failure: null,
  };
}
