// A browser lets one transaction at a time write to the log, and none while another reads it: nobody may keep one open for as
// long as its thread pleases.
import { worldOf, type Failure, type OwnSegment } from '@godwit/core';
import { expect, onTestFinished, test, vi } from 'vitest';
import { databaseName, handlersName } from './schema.ts';
import { openIdbStore } from './store.ts';

const world = worldOf(globalThis);
const old = { ageMs: 0, eventsMax: 0, bytesMax: 0, segmentsMax: 200 };

test('whatever a tab asks of its log, every transaction is let go before its first answer: a thread that hangs in one holds up no other tab', async () => {
  const name = databaseName(world.id(), '');
  const first = await openIdbStore({ name, world, report: unexpected });
  // More than are read at the first look, in two channels, with pages of another between them.
  for (let n = 0; n < 40; n += 1) await first.record([own(n % 2 === 0 ? 'room' : 'hall', n)]);
  await first.merge({ channel: 'room', after: 'latest', last: 'o1', at: 1, bytes: 0, events: [] });
  await first.lease({ handler: 'count', tab: 'alice', at: 1, start: 50_000_000 });
  await first.close();

  const asked: string[] = [];
  const held = new Set<string>();
  const { transaction } = IDBDatabase.prototype;
  const spy = vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (this: IDBDatabase, ...args) {
    const begun = transaction.apply(this, args);
    if (this.name === handlersName(name)) return begun;
    const what = `${begun.mode}: ${[...begun.objectStoreNames].join()}`;
    let isLetGo = false;
    begun.commit = () => {
      isLetGo = true;
      IDBTransaction.prototype.commit.call(begun);
    };
    begun.addEventListener('success', () => isLetGo || held.add(what), { capture: true });
    asked.push(what);
    return begun;
  });
  onTestFinished(() => spy.mockRestore());
  const store = await openIdbStore({ name, world, report: unexpected });
  onTestFinished(() => store.destroy());
  // At its opening a tab looks once whether the two databases belong together, and waits for nothing else meanwhile.
  held.clear();

  await store.record([own('room', 40)]);
  await store.state();
  expect(await store.own('room', 0, 100)).toHaveLength(21);
  expect((await store.read(0, 512)).entries).toHaveLength(41);
  await store.confirm({ channel: 'room', sent: 50_000_000, rejected: [] });
  await store.refusals(['1']);
  await store.merge({ channel: 'room', after: 'o1', last: 'o2', at: 1, bytes: 0, events: [] });
  expect(await store.trim({ now: 8 * 24 * 3_600_000, ...old })).toMatchObject({ events: 20 });

  expect([...held]).toEqual([]);
  expect(new Set(asked)).toContain('readonly: log,meta');
});

function own(channel: string, n: number): OwnSegment {
  const event = { specversion: '1.0', id: `${n}`, source: 'urn:test', type: 'note.added' } as const;
  return { channel, outbound: true, at: 1, bytes: JSON.stringify(event).length, events: [event] };
}

function unexpected(failure: Failure): never {
  throw failure;
}
