import { expect, test } from 'vitest';
import { failureToJson, Failure } from '../failure.ts';
import { deferredMax } from './limits.ts';
import { endedBy } from './steps.ts';
import type { Task, TaskEnd, TaskOutcome } from './task.ts';

const failure = failureToJson(new Failure('UnknownEvent', 'of version 2'), { stack: false });

function end(position: number, outcome: TaskEnd): readonly [Task, TaskOutcome] {
  const task: Task = {
    handler: 'ship',
    term: 1,
    position,
    channel: 'shop',
    event: { specversion: '1.0', id: `${position}`, source: 'urn:test', type: 'order.placed' },
    offset: null,
    attempt: 1,
    key: null,
    again: false,
  };
  return [task, { handler: 'ship', term: 1, position, ...outcome }];
}

test('what no release understands is kept up to a bound, and dropped beyond it, counted', () => {
  const ends = [1, 2, 3].map((position) => end(position, { kind: 'deferred', failure }));
  const { put, totals } = endedBy(ends, 1000, deferredMax - 2, 0);
  expect(put.map(({ position, state, attempts }) => [position, state, attempts])).toEqual([
    [1, 'deferred', 0],
    [2, 'deferred', 0],
  ]);
  expect(totals).toEqual({ passed: 0, handled: 0, failed: 0, dropped: { overflow: 1 } });
});

test('what was not begun goes back to the log, or into a row where something above it is still in flight', () => {
  const ends = [end(10, { kind: 'returned' }), end(30, { kind: 'returned' })];
  const { put, givenBack, totals } = endedBy(ends, 1000, 0, 20);
  expect(put).toMatchObject([{ position: 10, state: 'waiting', attempts: 0, delayMs: 0 }]);
  expect(givenBack).toEqual([30]);
  expect(totals.passed).toBe(-1);
});

test('what is given back keeps why its attempt before failed', () => {
  const [task, outcome] = end(10, { kind: 'returned' });
  const { put } = endedBy([[{ ...task, again: true, attempt: 2, failure }, outcome]], 1000, 0, 0);
  expect(put).toMatchObject([{ position: 10, state: 'waiting', attempts: 1, failure }]);
});
