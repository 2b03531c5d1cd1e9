// Whoever hangs among the handlers keeps nobody from opening, whatever others want there meanwhile.
import { worldOf, type DeviceStore, type Failure, type HandlerRecord, type OwnSegment } from '@godwit/core';
import { step } from '@godwit/core/contracts';
import { createTestWorld } from '@godwit/core/testing';
import { expect, onTestFinished, test } from 'vitest';
import { databaseName, handlersName } from './schema.ts';
import { openIdbStore } from './store.ts';
import { hang, nextTransaction } from './test/hang.ts';

const world = worldOf(globalThis);

test('a tab opens while another waits with the log to be trimmed, which gives up by name', async () => {
  const time = createTestWorld();
  const { name, store } = await filled(time);
  const endHang = await hang(handlersName(name), 'handlers');
  const waits = waitsForHandlers();
  const trimmed = (): ReturnType<DeviceStore['trim']> =>
    store.trim({ now: 1e12, ageMs: 1, eventsMax: 0, bytesMax: 0, segmentsMax: 9 });
  const failed = expect(trimmed()).rejects.toMatchObject({
    name: 'StorageFailed',
    message: expect.stringContaining('another tab, perhaps hung'),
  });
  await waits;
  await opensAndRecords(name);
  await time.advance(8000);
  await failed;
  endHang();
  expect(await trimmed()).toMatchObject({ events: 2 });
});

test('a tab opens while another waits with its handler’s first step', async () => {
  const { name, store, record } = await filled();
  const endHang = await hang(handlersName(name), 'handlers');
  const waits = waitsForHandlers();
  const stepped = store.advance(
    step(record, { at: 2, cursor: 1024, claimed: 1024, totals: { passed: 1, handled: 1, failed: 0, dropped: {} } }),
  );
  await waits;
  await opensAndRecords(name);
  endHang();
  expect(await stepped).toMatchObject({ record: { cursor: 1024 } });
});

/** Something waits behind who hangs. */
function waitsForHandlers(): Promise<unknown> {
  return nextTransaction(({ objectStoreNames, mode }) => objectStoreNames.contains('handlers') || mode === 'readwrite');
}

async function opensAndRecords(name: string): Promise<void> {
  const store = await open(name);
  expect(await store.record([own])).toHaveLength(1);
}

async function open(name: string, its = world): Promise<DeviceStore> {
  const store = await openIdbStore({ name, world: its, report: unexpected });
  onTestFinished(() => store.destroy());
  return store;
}

/** A store with an event, and a handler that somebody runs. */
async function filled(
  its = world,
): Promise<{ readonly store: DeviceStore; readonly name: string; readonly record: HandlerRecord }> {
  const name = databaseName(world.id(), '');
  const store = await open(name, its);
  await store.record([own]);
  const record = await store.lease({ handler: 'count', tab: 'alice', at: 1, start: 0 });
  if (record === null) throw new Error('there is no such handler');
  return { store, name, record };
}

const event = { specversion: '1.0', id: '1', source: 'urn:test', type: 'note.added' } as const;
const own: OwnSegment = { channel: 'room', outbound: false, at: 1, bytes: 99, events: [event] };

function unexpected(failure: Failure): never {
  throw failure;
}
