// The runtime's own word of what it reads: for whoever defines it, and unheard by others.
import { expect, test } from 'vitest';
import { SyncCompleted, SyncStarted } from '../dispatcher/builtin/sync.ts';
import { defineEvents } from '../event/define.ts';
import { payload } from '../event/schema.ts';
import { createChannels } from '../feed/channels.ts';
import { createMemoryLink } from '../memory/link.ts';
import { createMemoryLogs } from '../memory/log.ts';
import { createMemoryDatabase, openMemoryStore } from '../memory/store.ts';
import { createMemoryDevice } from '../memory/tabs.ts';
import type { Tabs } from '../ports/tabs.ts';
import { defaultLimits } from '../protocol/limits.ts';
import { gather, untilStatus } from '../testing/waiting.ts';
import { worldOf } from '../timing/platform.ts';
import { createEngine } from './create-engine.ts';
import { createHandle } from './create-handle.ts';
import type { Delivered } from './runtime.ts';

// oxlint-disable-next-line no-restricted-globals -- the platform that the test runs on
const world = worldOf(globalThis);
const own = defineEvents({ 'todo.added': payload<{ readonly title: string }>() });
const events = { ...own, 'sync.started': SyncStarted, 'sync.completed': SyncCompleted };

/** Tabs of one device, and a relay that answers no reading before it is let. */
function createDevice() {
  const logs = createMemoryLogs(world);
  const relay = createChannels({ logs, world, limits: defaultLimits, report: () => undefined });
  const [database, tabs] = [createMemoryDatabase(), createMemoryDevice()];
  const gate = Promise.withResolvers<void>();
  const engine = (tabsOf: (its: Tabs) => Tabs = (its) => its) => {
    const link = createMemoryLink(relay);
    return createEngine({
      store: openMemoryStore(database, world),
      storage: 'memory',
      tabs: tabsOf(tabs.tab()),
      link: {
        ...link,
        async *pull(positions, signal) {
          await gate.promise;
          yield* link.pull(positions, signal);
        },
      },
      world,
      channels: [['board', 'earliest']],
    });
  };
  return { relay, engine, answer: gate.resolve };
}

test('each tab that defines them hears that a channel is read, and that the device has what the relay held', async () => {
  const { relay, engine, answer } = createDevice();
  const event = { specversion: '1.0', source: '/bob', type: 'todo.added', data: { title: 'Fly' } } as const;
  await relay.channel('board').append([{ event: { ...event, id: '1' } }, { event: { ...event, id: '2' } }]);
  const open = () => createHandle({ engine: engine(), events, world, channels: ['board'], report: () => undefined });
  const tabs = [await open(), await open()];
  const heard = tabs.map((tab) => {
    const its = gather<Delivered>();
    tab.on('sync.*', its.add);
    return its;
  });
  answer();
  for (const its of heard) {
    expect(await its.until(2)).toMatchObject([
      { type: 'sync.started', channel: 'board', data: { channel: 'board' }, offset: null, ephemeral: true },
      { type: 'sync.completed', channel: 'board', data: { channel: 'board' } },
    ]);
  }
  await Promise.all(tabs.map((tab) => tab.close()));
  await relay.close();
});

test('what a leader stored, and died before it said so, is heard once another leads', async () => {
  const { relay, engine, answer } = createDevice();
  const silent = (its: Tabs): Tabs => ({ ...its, announce: (said) => said.kind === 'grew' || its.announce(said) });
  const parts = { events, world, channels: ['board'], report: () => undefined };
  const leader = await createHandle({ engine: engine(silent), ...parts });
  const other = await createHandle({ engine: engine(), ...parts });
  const [atLeader, atOther] = [gather<Delivered>(), gather<Delivered>()];
  leader.on('todo.added', atLeader.add);
  other.on('todo.added', atOther.add);
  answer();
  await untilStatus(leader.status, ({ connection }) => connection === 'online');
  const event = { specversion: '1.0', id: '1', source: '/bob', type: 'todo.added', data: { title: 'Fly' } } as const;
  await relay.channel('board').append([{ event }]);
  await atLeader.until(1);
  expect(atOther.items).toEqual([]);
  await leader.close();
  expect(await atOther.until(1)).toMatchObject([{ id: '1' }]);
  await other.close();
  await relay.close();
});

test('to a runtime that does not define them they are no unknown events', async () => {
  const { relay, engine, answer } = createDevice();
  const failures: unknown[] = [];
  const report = (failure: unknown): void => void failures.push(failure);
  const runtime = await createHandle({ engine: engine(), events: own, world, channels: ['board'], report });
  const heard = gather<Delivered>();
  runtime.on('**', heard.add);
  answer();
  await runtime.publish('todo.added', { title: 'Fly' });
  await untilStatus(runtime.status, ({ connection, pending }) => connection === 'online' && pending === 0);
  expect(heard.items.map(({ type }) => type)).toEqual(['todo.added']);
  expect([failures, runtime.status.get().counts.dropped]).toEqual([[], {}]);
  await runtime.close();
  await relay.close();
});
