import { expect, test } from 'vitest';
import type { Logged } from './audit.ts';
import { compare, lostInMemory, type Evidence } from './compare.ts';
import type { Kept, TabStory } from './journal.ts';
import { brief, whole, writeNote, type Heard, type Tale } from './tale.ts';

/** The n-th event of alice, and where it is. */
function logged(n: number, sequence = n, channel: string = whole): Logged {
  const data = writeNote('alice', n, n);
  return { channel, epoch: 'e', sequence, source: '/alice', id: `a${n}`, type: 'note.written', data };
}

function heard(n: number, sequence = n, channel: string = whole): Heard {
  return { channel, offset: `e.${sequence}`, id: `a${n}`, by: 'alice', at: n, intact: true };
}

function gap(missed: number | null, channel: string = whole): Heard {
  return { channel, missed, reason: 'retention' };
}

function kept(n: number, more: Partial<Kept> = {}): Kept {
  return { id: `a${n}`, channel: whole, n, by: 'alice', onDisk: true, offset: null, ...more };
}

const still: Tale = {
  tab: 'bob.1',
  turn: 1,
  acknowledged: [],
  heard: [],
  refused: {},
  pending: 0,
  connection: 'online',
  storage: 'indexeddb',
  role: 'leader',
  dead: 0,
};

function bob(items: readonly Heard[], last = still): TabStory {
  return { tab: 'bob.1', device: 'bob', heard: [...items], last, at: 0 };
}

/** Three events that alice published, the relay holds and bob heard; and what a test has otherwise. */
function found(
  otherwise: { readonly log?: readonly Logged[]; readonly heard?: readonly Heard[] } & Partial<Evidence>,
): readonly string[] {
  const { log = [logged(1), logged(2), logged(3)], heard: items = [heard(1), heard(2), heard(3)], ...rest } = otherwise;
  const logs = new Map([
    [whole, { events: log.filter(({ channel }) => channel === whole), missed: 0 }],
    [brief, { events: log.filter(({ channel }) => channel === brief), missed: 0 }],
  ]);
  const evidence = { logs, kept: [kept(1), kept(2), kept(3)], tabs: [bob(items)], handled: new Map(), briefKept: 10 };
  return compare({ ...evidence, ...rest }).map(({ kind, what }) => `${kind}: ${what}`);
}

test('where everything was kept, nothing is found', () => {
  expect(found({})).toEqual([]);
});

test('an acknowledged event that the log never held is lost', () => {
  expect(found({ kept: [kept(1), kept(4)] })).toEqual([
    'lost: its device had acknowledged the 4th of alice (a4), and notes never held it',
  ]);
  expect(found({ kept: [kept(4, { offset: 'e.4' })] })).toEqual([
    'lost: the relay had acknowledged the 4th of alice (a4), and notes never held it',
  ]);
});

test('an event that a page kept in memory, and said so, may be lost, and is counted', () => {
  const evidence = { kept: [kept(1), kept(4, { onDisk: false })] };
  expect(found(evidence)).toEqual([]);
  expect(lostInMemory({ ...evidence, logs: new Map([[whole, { events: [logged(1)], missed: 0 }]]) })).toBe(1);
});

test('an event that the relay has elsewhere than it said is misplaced', () => {
  expect(found({ kept: [kept(2, { offset: 'e.2' }), kept(3, { offset: 'e.2' })] })).toEqual([
    'misplaced: the relay said that a3 is in notes at 2; it is at e.3',
  ]);
});

test('an event that the log holds twice is found, also under another id', () => {
  const again = { ...logged(3, 4), id: 'other' };
  expect(found({ log: [logged(1), logged(2), logged(3), logged(3, 4)] })).toEqual([
    'stored twice: notes at 4: /alice a3, before at 3',
    'stored twice: notes at 4: note alice 3, before at 3',
  ]);
  expect(found({ log: [logged(1), logged(2), logged(3), again] })).toEqual([
    'stored twice: notes at 4: note alice 3, before at 3',
  ]);
});

test('in the brief channel an event may be stored again once it was let go of, and not before', () => {
  const twice = (sequence: number): readonly string[] =>
    found({
      kept: [],
      heard: [],
      log: Array.from({ length: sequence }, (_, n) => logged(n + 1 === sequence ? 1 : n + 1, n + 1, brief)),
    });
  expect(twice(11)).toEqual([]);
  expect(twice(10)).toHaveLength(2);
});

test('a log with a hole, with a stranger’s payload, or out of its publisher’s order is found', () => {
  expect(found({ log: [logged(1), logged(3)], kept: [], heard: [] })).toEqual([
    'lost: notes at 3: the event before it in the log is 1',
  ]);
  const damaged = { ...logged(3), data: { ...logged(3).data, n: 30 } };
  expect(found({ log: [logged(1), logged(2), damaged], kept: [], heard: [] })).toEqual([
    'altered: notes at 3: a3 of /alice is not as alice wrote it',
  ]);
  expect(found({ log: [logged(1), logged(3, 2), logged(2, 3)], kept: [], heard: [] })).toEqual([
    'out of order: notes at 3: the 2th of alice stands behind its 3th',
  ]);
});

test('an event that a reader never heard of, and was not told of, is an untold gap', () => {
  expect(found({ heard: [heard(1), heard(3)] })).toEqual(['untold gap: bob.1 in notes: 1 events between 1 and 3']);
  const log = [logged(1), { ...logged(2), epoch: 'f', sequence: 1 }];
  expect(found({ log, kept: [], heard: [heard(1), { ...heard(2), offset: 'f.1' }] })).toEqual([
    'untold gap: bob.1 in notes: the epoch changed at f.1, and nothing was said of it',
  ]);
});

test('a gap that was told with the right count is none, and one with a wrong count is found', () => {
  expect(found({ heard: [heard(1), gap(1), heard(3)] })).toEqual([]);
  expect(found({ heard: [heard(1), gap(2), heard(3)] })).toEqual([
    'wrongly told gap: bob.1 in notes: was told of 2; 1 are between 1 and 3',
  ]);
  expect(found({ heard: [heard(1), gap(1), heard(2)] })).toEqual([
    'wrongly told gap: bob.1 in notes: was told of 1; 0 are between 1 and 2',
  ]);
  expect(found({ heard: [heard(1), gap(null), heard(3)] })).toHaveLength(1);
});

test('an event that is heard again, is not the one that the log has, or is in no log, is found', () => {
  expect(found({ heard: [heard(1), heard(2), heard(2)] })).toEqual(['heard again: bob.1 in notes: 2 behind 2']);
  expect(found({ heard: [heard(1), { ...heard(2), id: 'x' }] })).toEqual([
    'altered: bob.1 in notes: heard x at 2, where the log has a2',
  ]);
  expect(found({ heard: [{ ...heard(1), intact: false }] })).toEqual([
    'altered: bob.1 in notes: heard a1 at 1, where the log has a1, damaged',
  ]);
  expect(found({ heard: [heard(3), heard(4)] })).toEqual(['heard, not stored: bob.1 in notes: a4 at e.4']);
});

test('an order that a device has not handled, and one that it gave up, are found', () => {
  const order = { ...logged(2), type: 'order.placed' };
  const log = [logged(1), order, logged(3)];
  expect(found({ log, handled: new Map([['bob', new Set(['a2'])]]) })).toEqual([]);
  expect(found({ log, handled: new Map([['bob', new Set()]]) })).toEqual(['not handled: bob: a2, at 2']);
  expect(found({ tabs: [bob([], { ...still, dead: 2 })] })).toEqual(['dead letter: bob.1 has 2 of them']);
});
