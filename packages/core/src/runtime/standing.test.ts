// What a tab hears, says of itself, and leaves to others: the corners that the flow contract does not reach.
import { expect, test } from 'vitest';
import { Failure } from '../failure.ts';
import { createChannels } from '../feed/channels.ts';
import { createMemoryLink } from '../memory/link.ts';
import { createMemoryLogs } from '../memory/log.ts';
import { createMemoryDatabase, openMemoryStore } from '../memory/store.ts';
import { createMemoryDevice } from '../memory/tabs.ts';
import type { Link } from '../ports/link.ts';
import type { DeviceStore } from '../ports/tasks.ts';
import type { LeaderNews, Tabs } from '../ports/tabs.ts';
import { defaultLimits } from '../protocol/limits.ts';
import { flowEvents, type FlowEvents } from '../testing/flow/events.ts';
import { gather, untilStatus } from '../testing/waiting.ts';
import { worldOf } from '../timing/platform.ts';
import { createEngine } from './create-engine.ts';
import { createHandle } from './create-handle.ts';
import type { OutboxLimits } from './outbox.ts';
import type { Runtime } from './runtime.ts';

// oxlint-disable-next-line no-restricted-globals -- the platform that the test runs on
const world = worldOf(globalThis);

interface TabOptions {
  readonly channels?: readonly string[];
  readonly storeOf?: (store: DeviceStore) => DeviceStore;
  readonly linkOf?: (link: Link) => Link;
  readonly tabsOf?: (tabs: Tabs) => Tabs;
  readonly outboxLimits?: OutboxLimits;
  readonly report?: (failure: Failure) => void;
}

/** One relay, and devices by name. */
function createPlace() {
  const relay = createChannels({
    logs: createMemoryLogs(world),
    world,
    limits: defaultLimits,
    report: () => undefined,
  });
  const devices = new Map<string, ReturnType<typeof createDevice>>();
  const createDevice = () => ({ database: createMemoryDatabase(), tabs: createMemoryDevice() });
  const open: Runtime<FlowEvents>[] = [];
  return {
    relay,
    async tab(name: string, options: TabOptions = {}): Promise<Runtime<FlowEvents>> {
      const device = devices.get(name) ?? createDevice();
      devices.set(name, device);
      const { channels = ['board'], storeOf, linkOf, tabsOf, outboxLimits, report } = options;
      const store = openMemoryStore(device.database, world);
      const link = createMemoryLink(relay);
      const tabs = device.tabs.tab();
      const engine = createEngine({
        store: storeOf?.(store) ?? store,
        storage: 'memory',
        tabs: tabsOf?.(tabs) ?? tabs,
        link: linkOf?.(link) ?? link,
        world,
        channels: channels.map((channel) => [channel, 'earliest']),
        ...(outboxLimits === undefined ? {} : { outboxLimits }),
      });
      const handle = await createHandle({
        engine,
        events: flowEvents,
        world,
        channels,
        report: report ?? (() => undefined),
      });
      open.push(handle);
      return handle;
    },
    async close(): Promise<void> {
      await Promise.all(open.map((tab) => tab.close()));
      await relay.close();
    },
  };
}

const online = (tab: Runtime<FlowEvents>) => untilStatus(tab.status, ({ connection }) => connection === 'online');

test('a tab hears its own channels, whatever other tabs of the device read', async () => {
  const place = createPlace();
  const one = await place.tab('alice', { channels: ['a'] });
  const other = await place.tab('alice', { channels: ['b'] });
  const bob = await place.tab('bob', { channels: ['a', 'b'] });
  const [atOne, atOther] = [gather<number>(), gather<number>()];
  one.on('todo.done', ({ data }) => atOne.add(data.n));
  other.on('todo.done', ({ data }) => atOther.add(data.n));
  await bob.publish('todo.done', { n: 1 }, { channel: 'b' });
  await bob.publish('todo.done', { n: 2 }, { channel: 'a' });
  expect(await atOne.until(1)).toEqual([2]);
  expect(await atOther.until(1)).toEqual([1]);
  expect(() => one.on('todo.done', () => undefined, { channel: 'b' })).toThrow(
    expect.objectContaining({
      name: 'InvalidOptions',
      message: expect.stringContaining('does not read the channel "b"'),
    }),
  );
  await place.close();
});

test('channels that no tab reads any more are left', async () => {
  const place = createPlace();
  const asked: string[][] = [];
  const linkOf = (link: Link): Link => ({
    ...link,
    pull(positions, signal) {
      asked.push([...positions.keys()]);
      return link.pull(positions, signal);
    },
  });
  const leader = await place.tab('alice', { channels: ['a'], linkOf });
  await online(leader);
  for (const channel of ['b', 'c']) {
    const tab = await place.tab('alice', { channels: [channel] });
    await untilStatus(tab.status, ({ connection }) => connection === 'online');
    await tab.close();
  }
  const bob = await place.tab('bob', { channels: ['a', 'd'] });
  const last = await place.tab('alice', { channels: ['d'] });
  const numbers = gather<number>();
  last.on('todo.done', ({ data }) => numbers.add(data.n));
  await bob.publish('todo.done', { n: 1 }, { channel: 'd' });
  await numbers.until(1);
  expect(asked.at(-1)).toEqual(['a', 'd']);
  await place.close();
});

test('what a tab stored and died before it could say so is sent and heard at once, and its channels are left', async () => {
  const place = createPlace();
  const asked = gather<string>();
  const linkOf = (link: Link): Link => ({
    ...link,
    pull(positions, signal) {
      asked.add([...positions.keys()].join());
      return link.pull(positions, signal);
    },
  });
  const leader = await place.tab('alice', { channels: ['a'], linkOf });
  const third = await place.tab('alice', { channels: ['a'] });
  const bob = await place.tab('bob', { channels: ['a'] });
  await Promise.all([leader, third, bob].map(online));
  const heard = [leader, third, bob].map((tab) => {
    const numbers = gather<number>();
    tab.on('todo.done', ({ data }) => numbers.add(data.n));
    return numbers;
  });
  let die: (() => void) | undefined;
  const tabsOf = (tabs: Tabs): Tabs => {
    die = () => tabs.close();
    return { ...tabs, announce: (message) => (message.kind === 'grew' ? undefined : tabs.announce(message)) };
  };
  const dying = await place.tab('alice', { channels: ['b', 'a'], tabsOf });
  await online(dying);
  await dying.publish('todo.done', { n: 1 }, { channel: 'a' });
  expect(leader.status.get().pending).toBe(0);

  die?.();
  for (const numbers of heard) expect(await numbers.until(1)).toEqual([1]);
  await untilStatus(third.status, ({ pending }) => pending === 0);
  expect(await asked.until(3)).toEqual(['a', 'a,b', 'a']);
  await place.close();
});

test('flush waits for what is on the disk, whatever the leader said while it was being stored', async () => {
  const place = createPlace();
  const [pushed, mayPush] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const linkOf = (link: Link): Link => ({
    ...link,
    async push(...args) {
      pushed.resolve();
      await mayPush.promise;
      return link.push(...args);
    },
  });
  await online(await place.tab('alice', { linkOf }));
  let sayAgain: (() => void) | undefined;
  const tabsOf = (tabs: Tabs): Tabs => ({
    ...tabs,
    hear: (listener) =>
      tabs.hear((message) => {
        if (message.kind === 'leader-news') sayAgain = () => listener(message);
        listener(message);
      }),
  });
  const storeOf = (store: DeviceStore): DeviceStore => ({
    ...store,
    async record(segments) {
      const positions = await store.record(segments);
      sayAgain?.();
      return positions;
    },
  });
  const follower = await place.tab('alice', { tabsOf, storeOf });
  await online(follower);
  await follower.publish('todo.done', { n: 1 });
  sayAgain?.();
  expect(follower.status.get()).toMatchObject({ pending: 0, role: 'follower' });
  const order: string[] = [];
  const flushed = follower.flush().then(() => order.push('flushed'));
  await pushed.promise;
  await untilStatus(follower.status, ({ pending }) => pending === 1);
  order.push('at the relay');
  mayPush.resolve();
  await flushed;
  expect(order).toEqual(['at the relay', 'flushed']);
  await place.close();
});

test('what the leader is still storing is counted once in every tab, however long it takes', async () => {
  const place = createPlace();
  const mayStore = Promise.withResolvers<void>();
  const storeOf = (store: DeviceStore): DeviceStore => ({
    ...store,
    async record(segments) {
      const positions = await store.record(segments);
      await mayStore.promise;
      return positions;
    },
  });
  const leader = await place.tab('alice', { storeOf });
  leader.pause();
  let publishing: Promise<unknown> | undefined;
  const heard = gather<string>();
  const tabsOf = (tabs: Tabs): Tabs => ({
    ...tabs,
    hear: (listener) =>
      tabs.hear((message) => {
        listener(message);
        if (publishing !== undefined) heard.add(message.kind);
      }),
  });
  const follower = await place.tab('alice', { tabsOf });
  await untilStatus(follower.status, ({ connection }) => connection === 'paused');
  publishing = leader.publish('todo.done', { n: 1 });
  expect(await heard.until(1)).toEqual(['leader-news']);
  mayStore.resolve();
  await publishing;
  await heard.until(2);
  await untilStatus(follower.status, ({ pending }) => pending > 0);
  expect(follower.status.get()).toMatchObject({ pending: 1, role: 'follower' });
  await place.close();
});

test('what a tab has found on the disk is not counted again when the tab that stored it tells of it', async () => {
  const place = createPlace();
  const [stored, mayTell, mayPush] = [
    Promise.withResolvers<void>(),
    Promise.withResolvers<void>(),
    Promise.withResolvers<void>(),
  ];
  // Without locks there is no leader, who would set it right.
  const tabsOf = (tabs: Tabs): Tabs => ({ ...tabs, exclusive: false, lead: (callback, held) => callback(held) });
  const linkOf = (link: Link): Link => ({
    ...link,
    async push(...args) {
      await mayPush.promise;
      return link.push(...args);
    },
  });
  const storeOf = (store: DeviceStore): DeviceStore => ({
    ...store,
    async record(segments) {
      const positions = await store.record(segments);
      stored.resolve();
      await mayTell.promise;
      return positions;
    },
  });
  const one = await place.tab('alice', { tabsOf, linkOf, storeOf });
  const publishing = one.publish('todo.done', { n: 1 });
  await stored.promise;
  const told = gather<string>();
  const other = await place.tab('alice', {
    tabsOf: (tabs) => ({
      ...tabsOf(tabs),
      hear: (listener) =>
        tabs.hear((message) => {
          listener(message);
          if (message.kind === 'grew') told.add(message.kind);
        }),
    }),
    linkOf,
  });
  expect(other.status.get().pending).toBe(1);
  mayTell.resolve();
  await publishing;
  await told.until(1);
  expect(other.status.get().pending).toBe(1);
  mayPush.resolve();
  await untilStatus(other.status, ({ pending }) => pending === 0);
  await place.close();
});

test.each([
  ['before the leader has asked the disk: until it has', (news: LeaderNews) => news.pending === 1, 2],
  ['after it: at once', (news: LeaderNews) => (news.counted ?? 0) > 0, 1],
])("an event of the leader's news is counted once by a tab that is told of it late, %s", async (_, isNow, atOnce) => {
  const place = createPlace();
  const leader = await place.tab('alice');
  leader.pause();
  const late: (() => void)[] = [];
  const news = gather<LeaderNews>();
  const tabsOf = (tabs: Tabs): Tabs => ({
    ...tabs,
    hear: (listener) =>
      tabs.hear((message) => {
        if (message.kind === 'grew') late.push(() => listener(message));
        else listener(message);
        if (message.kind === 'leader-news' && isNow(message.news)) news.add(message.news);
      }),
  });
  const follower = await place.tab('alice', { tabsOf });
  const writer = await place.tab('alice');
  await untilStatus(writer.status, ({ connection }) => connection === 'paused');
  await writer.publish('todo.done', { n: 1 });
  await news.until(1);
  for (const hear of late) hear();
  expect(follower.status.get().pending).toBe(atOnce);
  await untilStatus(follower.status, ({ pending }) => pending === 1);
  await place.close();
});

test('a leader whose disk did not say what waits asks it again', async () => {
  const place = createPlace();
  let isFailing = false;
  const storeOf = (store: DeviceStore): DeviceStore => ({
    ...store,
    async state(channel) {
      if (!isFailing) return store.state(channel);
      isFailing = false;
      throw new Failure('StorageFailed', 'the disk does not answer');
    },
  });
  const tabsOf = (tabs: Tabs): Tabs => ({
    ...tabs,
    hear: (listener) =>
      tabs.hear((message) => {
        listener(message);
        if (message.kind === 'grew') listener(message);
      }),
  });
  const reports = gather<Failure>();
  const leader = await place.tab('alice', { storeOf, tabsOf, report: reports.add });
  leader.pause();
  const writer = await place.tab('alice');
  await untilStatus(writer.status, ({ connection }) => connection === 'paused');
  await writer.publish('todo.done', { n: 1 });
  isFailing = true;
  await untilStatus(leader.status, ({ pending }) => pending === 2);
  expect((await reports.until(1)).map(({ name }) => name)).toEqual(['StorageFailed']);
  await untilStatus(leader.status, ({ pending }) => pending === 1);
  await place.close();
});

test('without locks an ephemeral event is heard once in each tab', async () => {
  const place = createPlace();
  const tabsOf = (tabs: Tabs): Tabs => ({ ...tabs, exclusive: false, lead: (callback, held) => callback(held) });
  const tabs = [await place.tab('alice', { tabsOf }), await place.tab('alice', { tabsOf })];
  const bob = await place.tab('bob');
  await Promise.all([...tabs, bob].map(online));
  const heard = tabs.map((tab) => {
    const numbers = gather<number>();
    tab.on('todo.done', ({ data }) => numbers.add(data.n));
    return numbers;
  });
  await bob.publish('todo.done', { n: 1 }, { durable: false });
  await Promise.all(heard.map((numbers) => numbers.until(1)));
  await bob.publish('todo.done', { n: 2 });
  for (const numbers of heard) expect(await numbers.until(2)).toEqual([1, 2]);
  await place.close();
});

test('a tab whose log is lost lets another lead', async () => {
  const place = createPlace();
  let isOutdated = false;
  const reports = gather<Failure>();
  const storeOf = (store: DeviceStore): DeviceStore => {
    const gone = () => Promise.reject(new Failure('Outdated', 'a newer release has taken the database'));
    return {
      ...store,
      read: (after, limit) => (isOutdated ? gone() : store.read(after, limit)),
      merge: (page) => (isOutdated ? gone() : store.merge(page)),
      own: (channel, after, limit) => (isOutdated ? gone() : store.own(channel, after, limit)),
    };
  };
  const old = await place.tab('alice', { storeOf, report: reports.add });
  await online(old);
  const fresh = await place.tab('alice');
  isOutdated = true;
  await fresh.publish('todo.done', { n: 1 });
  await untilStatus(fresh.status, ({ role, pending }) => role === 'leader' && pending === 0);
  expect((await reports.until(1)).map(({ name }) => name)).toEqual(['Outdated']);
  expect(old.status.get().connection).toBe('closed');
  await expect(old.publish('todo.done', { n: 2 })).rejects.toMatchObject({ name: 'Outdated' });
  await place.close();
});

test('a flush ends by name when the log is lost to its tab: before it, or while it waits', async () => {
  const place = createPlace();
  let isOutdated = false;
  const storeOf = (store: DeviceStore): DeviceStore => ({
    ...store,
    read: (after, limit) =>
      isOutdated ? Promise.reject(new Failure('Outdated', 'a newer release')) : store.read(after, limit),
  });
  const old = await place.tab('alice', { storeOf });
  const fresh = await place.tab('alice');
  old.pause();
  await untilStatus(fresh.status, ({ connection }) => connection === 'paused');
  await old.publish('todo.done', { n: 1 });
  const waiting = expect(old.flush()).rejects.toMatchObject({ name: 'Closed' });
  isOutdated = true;
  await fresh.publish('todo.done', { n: 2 });
  await waiting;
  await expect(old.flush()).rejects.toMatchObject({
    name: 'Closed',
    message: expect.stringContaining('create another runtime'),
  });
  await place.close();
});

test('a pause holds, also when it comes while the leader is looking at its disk, and in every tab', async () => {
  const place = createPlace();
  let looks = 0;
  const [looking, looked] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const storeOf = (store: DeviceStore): DeviceStore => ({
    ...store,
    async state() {
      const state = await store.state();
      looks += 1;
      if (looks === 2) {
        looking.resolve();
        await looked.promise;
      }
      return state;
    },
  });
  const leader = await place.tab('alice', { storeOf });
  await looking.promise;
  const follower = await place.tab('alice');
  leader.pause();
  looked.resolve();
  await untilStatus(follower.status, ({ connection }) => connection === 'paused');
  await leader.publish('todo.done', { n: 1 });
  await untilStatus(follower.status, ({ pending }) => pending === 1);
  expect([leader.status.get().connection, follower.status.get().connection]).toEqual(['paused', 'paused']);
  follower.resume();
  await untilStatus(leader.status, ({ pending }) => pending === 0);
  await place.close();
});

test('a channel that is allowed again is not shown as paused after a resume', async () => {
  const place = createPlace();
  let isForbidden = true;
  const linkOf = (link: Link): Link => ({
    ...link,
    push: (channel, events, signal) =>
      isForbidden ? Promise.reject(new Failure('Forbidden', 'not now')) : link.push(channel, events, signal),
  });
  const alice = await place.tab('alice', { linkOf });
  await alice.publish('todo.done', { n: 1 });
  const paused = await untilStatus(alice.status, ({ channels }) => channels['board']?.paused === true);
  expect(paused.channels['board']?.failure).toEqual({ name: 'Forbidden', message: 'not now' });
  alice.pause();
  isForbidden = false;
  alice.resume();
  const status = await untilStatus(alice.status, ({ pending }) => pending === 0);
  expect(status.channels['board']).toMatchObject({ paused: false, failure: null });
  await place.close();
});

test('why a channel is paused is told in every tab of the device', async () => {
  const place = createPlace();
  const linkOf = (link: Link): Link => ({
    ...link,
    async *pull() {
      yield [{ kind: 'refused', channel: 'board', name: 'Forbidden' }];
    },
  });
  for (const tab of [await place.tab('alice', { linkOf }), await place.tab('alice', { linkOf })]) {
    const { channels } = await untilStatus(tab.status, ({ channels }) => channels['board']?.paused === true);
    expect(channels['board']?.failure).toEqual({
      name: 'Forbidden',
      message: 'the relay refused to have it read; does the token list it?',
    });
  }
  await place.close();
});

test('an ephemeral event passes when the outbox is full', async () => {
  const place = createPlace();
  const alice = await place.tab('alice', { outboxLimits: { eventsMax: 0, bytesMax: 0 } });
  const numbers = gather<number>();
  alice.on('todo.done', ({ data }) => numbers.add(data.n));
  const durable = alice.publish('todo.done', { n: 1 });
  const ephemeral = alice.publish('todo.done', { n: 2 }, { durable: false });
  await expect(durable).rejects.toMatchObject({ name: 'OutboxFull' });
  await expect(ephemeral).resolves.toMatchObject({ position: null });
  expect(await numbers.until(1)).toEqual([2]);
  await place.close();
});

test('what a relay would refuse for good is refused before it is stored', async () => {
  const place = createPlace();
  const alice = await place.tab('alice');
  await expect(alice.publish('todo.done', { n: 1 }, { subject: '' })).rejects.toMatchObject({ name: 'InvalidEvent' });
  let accepted = 0;
  for (let size = 262_144 - 400; size < 262_144; size += 20) {
    await alice.publish('todo.added', { title: 'x'.repeat(size) }).then(
      () => (accepted += 1),
      (error: Failure) => expect(error.name).toBe('TooLarge'),
    );
  }
  await untilStatus(alice.status, ({ pending }) => pending === 0);
  expect(accepted).toBeGreaterThan(0);
  expect(alice.status.get().counts.dropped).toEqual({});
  await place.close();
});

test('events that the relay refuses are counted as dropped, with the reason', async () => {
  const place = createPlace();
  const linkOf = (link: Link): Link => ({
    ...link,
    push: async (_channel, events) =>
      events.map(({ id }) => ({ id, status: 'refused', failure: { name: 'Forbidden', message: 'no' } })),
  });
  const alice = await place.tab('alice', { linkOf });
  await alice.publish('todo.done', { n: 1 });
  const { counts } = await untilStatus(alice.status, ({ counts: { dropped } }) => dropped['refused'] === 1);
  expect(counts.published).toBe(1);
  await place.close();
});

test('what arrives is checked again: a payload that breaks its schema, or a type unknown here, is dropped and counted', async () => {
  const place = createPlace();
  const reports = gather<Failure>();
  const alice = await place.tab('alice', { report: reports.add });
  await online(alice);
  const types = gather<string>();
  alice.on('**', ({ type }) => types.add(type));
  const sent = (type: string, data: unknown) => ({
    event: { specversion: '1.0', id: type, source: '/another-release', type, data } as const,
  });
  await place.relay
    .channel('board')
    .append([sent('todo.added', { title: 7 }), sent('todo.renamed', {}), sent('todo.done', { n: 1 })]);
  expect(await types.until(1)).toEqual(['todo.done']);
  expect(alice.status.get().counts).toMatchObject({ delivered: 1, dropped: { invalid: 1, unknown: 1 } });
  expect((await reports.until(1))[0]).toMatchObject({
    name: 'InvalidPayload',
    message: expect.stringContaining('at `title`: a title is needed'),
  });
  await place.close();
});

test('a handler that was stopped by one before it does not run', async () => {
  const place = createPlace();
  const alice = await place.tab('alice');
  const heard = gather<string>();
  alice.on('todo.done', () => {
    stopSecond();
    heard.add('first');
  });
  const stopSecond = alice.on('todo.done', () => heard.add('second'));
  alice.on('todo.done', () => heard.add('third'));
  await alice.publish('todo.done', { n: 1 });
  expect(await heard.until(2)).toEqual(['first', 'third']);
  await place.close();
});

test('a listener of the status that throws is reported, and the others hear', async () => {
  const place = createPlace();
  const reports = gather<Failure>();
  const alice = await place.tab('alice', { report: reports.add });
  await online(alice);
  const heard = gather<number>();
  alice.status.subscribe(() => {
    throw new Error('mine');
  });
  alice.status.subscribe(() => heard.add(alice.status.get().counts.published));
  await alice.publish('todo.done', { n: 1 });
  await heard.until(1);
  expect((await reports.until(1))[0]).toMatchObject({
    name: 'HandlerFailed',
    message: expect.stringContaining('mine'),
  });
  await place.close();
});

test('a listener of the status that rejects later is reported, and is no unhandled rejection', async () => {
  const place = createPlace();
  const reports = gather<Failure>();
  const alice = await place.tab('alice', { report: reports.add });
  await online(alice);
  const heard = gather<number>();
  const later: () => unknown = () => Promise.reject(new Error('mine, later'));
  alice.status.subscribe(later);
  alice.status.subscribe(() => heard.add(alice.status.get().counts.published));
  await alice.publish('todo.done', { n: 1 });
  await heard.until(1);
  expect((await reports.until(1))[0]).toMatchObject({
    name: 'HandlerFailed',
    message: 'a listener of the status failed: mine, later',
  });
  await place.close();
});

test('a listener of the status that leaves and comes back while it hears, hears once of each change', async () => {
  const place = createPlace();
  const alice = await place.tab('alice');
  await online(alice);
  let [heard, last] = [0, alice.status.get()];
  const differs: boolean[] = [];
  let stop = alice.status.subscribe(hear);
  function hear(): void {
    stop();
    heard += 1;
    // What goes on without end would hold this thread for ever.
    if (heard > 1000) return;
    differs.push(alice.status.get() !== last);
    last = alice.status.get();
    stop = alice.status.subscribe(hear);
  }
  await (await alice.publish('todo.done', { n: 1 })).relayed();
  expect(differs).toContain(true);
  expect(differs).not.toContain(false);
  await place.close();
});

test('a listener of the status that another one stops while it hears is not called', async () => {
  const place = createPlace();
  const alice = await place.tab('alice');
  let calls = 0;
  alice.status.subscribe(() => stop());
  const stop = alice.status.subscribe(() => (calls += 1));
  await alice.publish('todo.done', { n: 1 });
  await (await alice.publish('todo.done', { n: 2 })).relayed();
  expect(calls).toBe(0);
  await place.close();
});

test('a promise of another house that a handler answers, and that fails, is told of like any other', async () => {
  const place = createPlace();
  const reports = gather<Failure>();
  const alice = await place.tab('alice', { report: reports.add });
  // oxlint-disable-next-line unicorn/no-thenable -- as query builders are, which do nothing before somebody waits for them
  alice.on('todo.done', () => ({ then: (_: unknown, no: (why: unknown) => void) => no(new Error('no such table')) }));
  await alice.publish('todo.done', { n: 1 });
  expect((await reports.until(1))[0]).toMatchObject({
    name: 'HandlerFailed',
    message: expect.stringContaining('no such table'),
  });
  expect(alice.status.get().counts).toMatchObject({ delivered: 1, failed: 1 });
  await place.close();
});

test('a payload that throws when it is looked at is refused by name', async () => {
  const place = createPlace();
  const alice = await place.tab('alice');
  const draft = Proxy.revocable({ n: 1 }, {});
  draft.revoke();
  await expect(alice.publish('todo.done', draft.proxy)).rejects.toMatchObject({
    name: 'InvalidPayload',
    message: expect.stringContaining('revoked'),
  });
  expect(alice.status.get().counts).toMatchObject({ published: 0, refused: 1 });
  await place.close();
});

test('while the outboxes of many channels are found empty, the disk is not asked once for each how much is left', async () => {
  const place = createPlace();
  let looks = 0;
  const storeOf = (store: DeviceStore): DeviceStore => ({
    ...store,
    async state(channel) {
      if (channel !== undefined) return store.state(channel);
      looks += 1;
      // As a disk does that has other things to do.
      await new Promise<void>((resolve) => world.after(20, resolve));
      return store.state();
    },
  });
  const alice = await place.tab('alice', { storeOf });
  await online(alice);
  looks = 0;
  const rooms = Array.from({ length: 100 }, (_, n) => `room:${n}`);
  await Promise.all(rooms.map((channel) => alice.publish('todo.done', { n: 1 }, { channel })));
  await untilStatus(alice.status, ({ pending }) => pending === 0);
  expect(looks).toBeLessThan(20);
  // What came last is asked for.
  await alice.flush();
  await place.close();
});

test('a channel called __proto__ is a channel like any other', async () => {
  const place = createPlace();
  const alice = await place.tab('alice', { channels: ['__proto__'] });
  expect(Object.keys(alice.status.get().channels)).toEqual(['__proto__']);
  const numbers = gather<number>();
  alice.on('todo.done', ({ data }) => numbers.add(data.n), { order: 'relay' });
  await alice.publish('todo.done', { n: 1 });
  expect(await numbers.until(1)).toEqual([1]);
  await place.close();
});

test('a definition stands for its name, if it is the one that the runtime knows', async () => {
  const place = createPlace();
  const alice = await place.tab('alice');
  const numbers = gather<number>();
  alice.on(flowEvents['todo.done'], ({ data }) => numbers.add(data.n));
  await alice.publish(flowEvents['todo.done'], { n: 1 });
  expect(await numbers.until(1)).toEqual([1]);
  await expect(alice.publish({ ...flowEvents['todo.done'] }, { n: 2 })).rejects.toMatchObject({ name: 'UnknownEvent' });
  await place.close();
});
