// The logs of a cluster, beside the contract of all logs: several relays that write to one channel, and a host that lets them down.
import { worldOf, type Log } from '@godwit/core';
import { logContract } from '@godwit/core/contracts';
import { expect, test } from 'vitest';
import { openClusterLogs, type ClusterLogs } from './logs.ts';
import { eventOf, heardBy, idsOf, startCluster, type Cluster } from './testing/cluster.ts';
import { createMemoryHost } from './testing/memory-streams.ts';

logContract('of a cluster, on streams in memory', async () => {
  const world = worldOf(globalThis);
  const host = createMemoryHost({ world });
  const open = (): Promise<ClusterLogs> => openClusterLogs({ streams: host.connect(), world, report: () => undefined });
  let logs = await open();
  return {
    logs,
    close: () => logs.close(),
    async reopen() {
      await logs.close();
      logs = await open();
      return logs;
    },
  };
});

test('what one relay has acknowledged, every other holds at once, reads and announces', async () => {
  const { one, two, three, world } = await open();
  const heard = [two, three].map(heardBy);
  for (let index = 0; index < 20; index += 1) {
    const [writer, reader] = index % 2 === 0 ? [one, two] : [two, one];
    await writer.append([eventOf(String(index))], 0);
    const { epoch, head } = await reader.stat();
    expect(head).toBe(index + 1);
    const page = await three.read({ epoch, sequence: index }, 10);
    expect(page.gap).toBeUndefined();
    expect(idsOf(page.records)).toEqual([String(index)]);
  }
  await world.settle();
  for (const { records } of heard) expect(idsOf(records)).toEqual(Array.from({ length: 20 }, (_, index) => `${index}`));
});

test('an event that is sent to two relays at once is stored once, and both answer its sequence', async () => {
  const { one, two, three, world } = await open();
  const batch = Array.from({ length: 10 }, (_, index) => eventOf(`${index}`));
  const appending = [one, two, three].map((log) => log.append(batch, 0));
  await world.advance(1000);
  const outcomes = await Promise.all(appending);
  for (let index = 0; index < 10; index += 1) {
    const its = outcomes.map((all) => all[index]);
    expect(its.map((outcome) => outcome?.sequence)).toEqual([index + 1, index + 1, index + 1]);
    expect(its.filter((outcome) => outcome?.status === 'appended')).toHaveLength(1);
  }
  expect(await one.stat()).toMatchObject({ head: 10, published: 10, duplicates: 20 });
});

test('relays that all write at once get everything in, each batch in a row', async () => {
  const { logs, world } = await openAt(await startCluster(5));
  const batches = logs.map((log, relay) =>
    Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        log.append([eventOf(`${relay}.${index}.a`), eventOf(`${relay}.${index}.b`)], 0),
      ),
    ),
  );
  for (let waited = 0; waited < 100; waited += 1) await world.advance(100);
  for (const outcomes of await Promise.all(batches)) {
    for (const [a, b] of outcomes) expect(b?.sequence).toBe((a?.sequence ?? NaN) + 1);
  }
  const stats = await Promise.all(logs.map((log) => log.stat()));
  for (const stat of stats) expect(stat).toMatchObject({ head: 200, published: 200, duplicates: 0 });
});

test('a channel that another relay makes is heard of by who reads it already', async () => {
  const { one, two, world } = await open();
  const { epoch } = await two.stat();
  const heard = heardBy(two);
  await world.settle();
  await one.append([eventOf('first')], 0);
  await world.settle();
  expect(idsOf(heard.records)).toEqual(['first']);
  expect(heard.isEnded).toBe(false);
  expect((await two.read({ epoch, sequence: 0 }, 10)).gap).toBeUndefined();
});

test('a removal ends the logs of every relay, and the next begins in one epoch for all', async () => {
  const cluster = await startCluster(2);
  const { logs, world } = await openAt(cluster);
  const [one, two] = pair(logs);
  await one.append([eventOf('1')], 0);
  const before = await two.stat();
  const heard = heardBy(two);
  await world.settle();
  expect(await cluster.relays[0]?.logs.remove('room')).toBe(true);
  await world.settle();
  expect(heard.isEnded).toBe(true);
  await expect(two.append([eventOf('2')], 0)).rejects.toMatchObject({ name: 'Closed' });
  const [again, other] = pair((await openAt(cluster)).logs);
  const [stat, same] = [await again.stat(), await other.stat()];
  expect(stat).toEqual(same);
  expect(stat).toMatchObject({ head: 0, published: 0 });
  expect(stat.epoch).not.toBe(before.epoch);
  expect(await other.append([eventOf('1')], 0)).toEqual([{ status: 'appended', sequence: 1 }]);
  expect(await cluster.relays[1]?.logs.channels()).toEqual(['room']);
  expect(cluster.host.held('room')).toHaveLength(2);
});

test('what one relay has trimmed is a gap of exactly its number at the others, and a new event there', async () => {
  const { one, two, host } = await open();
  for (let index = 0; index < 10; index += 1) await one.append([eventOf(`${index}`)], 0);
  const { epoch } = await two.stat();
  await two.read('earliest', 1);
  expect(await one.trim({ before: 0, bytesMax: Infinity, eventsMax: 3 })).toBe(7);
  // Three events, and the word of the trim.
  expect(host.held('room')).toHaveLength(4);
  const page = await two.read({ epoch, sequence: 2 }, 10);
  expect(page.gap).toEqual({ missed: 5, reason: 'retention' });
  expect(idsOf(page.records)).toEqual(['7', '8', '9']);
  expect(await two.append([eventOf('0'), eventOf('9')], 0)).toEqual([
    { status: 'appended', sequence: 11 },
    { status: 'duplicate', sequence: 10 },
  ]);
});

test('an append whose answer is lost is stored once, and answered as what it is', async () => {
  for (const fault of ['stored', 'lost', 'late'] as const) {
    const { one, two, host, world } = await open();
    await one.append([eventOf('before')], 0);
    let left = 1;
    host.faults.append = () => ((left -= 1) >= 0 ? fault : undefined);
    const appended = one.append([eventOf('it')], 0);
    await world.advance(5000);
    expect(await appended).toEqual([{ status: 'appended', sequence: 2 }]);
    expect(await two.stat()).toMatchObject({ head: 2, published: 2, duplicates: 0 });
  }
});

test('while the host is away nothing is acknowledged, and what is sent again afterwards is stored once', async () => {
  const cluster = await startCluster(2);
  const { logs, world } = await openAt(cluster);
  const [one, two] = pair(logs);
  await one.append([eventOf('1')], 0);
  const heard = heardBy(two);
  await world.settle();
  cluster.host.leave();
  const refused = one.append([eventOf('2')], 0).catch((error: unknown) => error);
  await world.advance(20_000);
  expect(await refused).toMatchObject({ name: 'StorageFailed', details: { retryAfterMs: expect.any(Number) } });
  await expect(cluster.relays[0]?.logs.ready()).rejects.toMatchObject({ name: 'StorageFailed' });
  cluster.host.back();
  await cluster.relays[0]?.logs.ready();
  const again = one.append([eventOf('2')], 0);
  // Whoever knows of something lost says so first.
  await world.advance(5000);
  expect(await again).toEqual([{ status: 'appended', sequence: 2 }]);
  expect(idsOf(heard.records)).toEqual(['2']);
});

test('a host that comes back without its newest events begins a new epoch: no offset is given twice', async () => {
  const cluster = await startCluster(2);
  const { logs, world } = await openAt(cluster);
  const [one, two] = pair(logs);
  for (const id of ['1', '2', '3']) await one.append([eventOf(id)], 0);
  const before = await two.stat();
  const heard = heardBy(two);
  await world.settle();
  cluster.host.leave();
  cluster.host.back(2);
  await world.advance(10_000);
  expect(heard.isEnded).toBe(true);
  expect(cluster.reports.map(({ message }) => message).join()).toContain('has lost what it had acknowledged');
  const [again, other] = pair((await openAt(cluster)).logs);
  const stat = await again.stat();
  expect(stat).toMatchObject({ head: 1, published: 1 });
  expect(stat.epoch).not.toBe(before.epoch);
  expect(await other.stat()).toEqual(stat);
  expect(await other.append([eventOf('2')], 0)).toEqual([{ status: 'appended', sequence: 2 }]);
  expect(idsOf((await again.read('earliest', 9)).records)).toEqual(['1', '2']);
});

test('a channel that was made, and not yet written to, is heard of by who opens it then', async () => {
  const cluster = await startCluster(2);
  const { host, world, relays } = cluster;
  const one = await relays[0]?.logs.open('room');
  host.faults.append = (stream) => (stream === 'room' ? 'lost' : undefined);
  const refused = one?.append([eventOf('1')], 0).catch((error: unknown) => error);
  await world.advance(10_000);
  expect(await refused).toMatchObject({ name: 'StorageFailed' });
  host.faults.append = undefined;
  const two = await relays[1]?.logs.open('room');
  if (one === undefined || two === undefined) throw new Error('two relays were started');
  const heard = heardBy(two);
  await two.stat();
  await one.append([eventOf('1')], 0);
  await world.advance(1000);
  expect(idsOf(heard.records)).toEqual(['1']);
});

test('two relays that remove a channel at once remove it once, and neither is told of a failure', async () => {
  const cluster = await startCluster(2);
  const { logs, world } = await openAt(cluster);
  const [one, two] = pair(logs);
  await one.append([eventOf('1')], 0);
  await two.stat();
  cluster.host.faults.travelMs = () => 2;
  const removing = cluster.relays.map(({ logs: its }) => its.remove('room'));
  await world.advance(5000);
  expect(new Set(await Promise.all(removing))).toEqual(new Set([true, false]));
});

test('a removal whose answer is lost is a removal', async () => {
  const cluster = await startCluster(1);
  const { logs, world } = await openAt(cluster);
  const [one] = logs;
  await one?.append([eventOf('1')], 0);
  await one?.read('earliest', 1);
  cluster.host.faults.travelMs = () => 2;
  let left = 1;
  cluster.host.faults.append = () => ((left -= 1) >= 0 ? 'stored' : undefined);
  const removing = cluster.relays[0]?.logs.remove('room');
  await world.advance(5000);
  expect(await removing).toBe(true);
});

test('the names of channels that the host has lost are said again, at a cost that grows as their number does', async () => {
  const cluster = await startCluster(1);
  const { host, world, relays } = cluster;
  const logs = relays[0]?.logs;
  for (let index = 0; index < 60; index += 1) await (await logs?.open(`${index}`))?.append([eventOf('1')], 0);
  let asked = 0;
  host.faults.append = (stream) => {
    if (stream === '') asked += 1;
    return undefined;
  };
  host.leave();
  host.back(60);
  await world.advance(20_000);
  expect(asked).toBe(60);
  const other = await cluster.join();
  expect(host.held('')).toHaveLength(61);
  await other.logs.close();
});

test('names of channels that somebody has removed by hand are said again by who writes to another', async () => {
  const cluster = await startCluster(1);
  const { host, world, relays } = cluster;
  const append = async (name: string): Promise<unknown> =>
    (await relays[0]?.logs.open(name))?.append([eventOf('1')], 0);
  await append('one');
  await relays[0]?.streams.stream('').drop(3);
  host.leave();
  host.back();
  await world.advance(5000);
  const appending = append('two');
  await world.advance(5000);
  expect(await appending).toEqual([{ status: 'appended', sequence: 1 }]);
  expect(await relays[0]?.logs.channels()).toEqual(['one', 'two']);
});

test('a stream whose newest message somebody has removed by hand begins a new epoch, and goes on', async () => {
  const cluster = await startCluster(2);
  const { logs, world } = await openAt(cluster);
  const [one, two] = pair(logs);
  for (const id of ['1', '2']) await one.append([eventOf(id)], 0);
  const before = await one.stat();
  await cluster.relays[0]?.streams.stream('room').drop(3);
  const refused = two.append([eventOf('3')], 0).catch((error: unknown) => error);
  await world.advance(5000);
  await refused;
  const [again, other] = pair((await openAt(cluster)).logs);
  const appending = other.append([eventOf('3')], 0);
  await world.advance(5000);
  await appending;
  const stat = await again.stat();
  expect(stat.epoch).not.toBe(before.epoch);
  expect(idsOf((await again.read('earliest', 10)).records)).toContain('3');
});

test('a stranger’s message is passed over, and one of a newer release is told of', async () => {
  const cluster = await startCluster(2);
  const { logs, world } = await openAt(cluster);
  const [one, two] = pair(logs);
  await one.append([eventOf('1')], 0);
  cluster.host.intrude('room', new TextEncoder().encode('hello'));
  expect(await two.append([eventOf('1'), eventOf('2')], 0)).toEqual([
    { status: 'duplicate', sequence: 1 },
    { status: 'appended', sequence: 2 },
  ]);
  expect(await one.stat()).toMatchObject({ head: 2, duplicates: 1 });
  const stream = cluster.relays[0]?.streams.stream('room');
  await stream?.append({ head: '{"v":2}', body: new Uint8Array() }, (await stream.newest())?.number ?? 0);
  await world.settle();
  expect(cluster.reports.map(({ message }) => message).join()).toContain('newer release');
});

test('a channel holds so many events as its relays can know: the oldest go before their time', async () => {
  const { one, two, world, host } = await open({ eventsMax: 16 });
  for (let index = 0; index < 40; index += 1) await one.append([eventOf(`${index}`)], 0);
  const { head, tail } = await two.stat();
  expect(head).toBe(40);
  expect(head - tail + 1).toBeLessThanOrEqual(16);
  expect(head - tail + 1).toBeGreaterThanOrEqual(14);
  await two.trim({ before: 0, bytesMax: Infinity });
  await world.settle();
  expect(host.held('room').length).toBeLessThanOrEqual(17);
});

test('a type that begins with a mark of the encoding is read as it was, wherever it stands', async () => {
  const { one, two, world } = await open();
  const heard = heardBy(two);
  await world.settle();
  await one.append([{ ...eventOf('1'), type: '\ufeffodd' }], 0);
  await world.settle();
  expect(heard.records.map(({ type }) => type)).toEqual(['\ufeffodd']);
  expect((await two.read('earliest', 1)).records.map(({ type }) => type)).toEqual(['\ufeffodd']);
});

test('a large batch is one commit, and is read again as it was', async () => {
  const { one, two } = await open();
  const batch = Array.from({ length: 1000 }, (_, index) => ({
    ...eventOf(`${index}`),
    data: 'x'.repeat(1000 - (index % 7)),
  }));
  await one.append(batch, 0);
  const { epoch } = await two.stat();
  const read: string[] = [];
  while (read.length < 1000) {
    const { records } = await two.read({ epoch, sequence: read.length }, 1000);
    expect(records.length).toBeGreaterThan(0);
    read.push(...idsOf(records));
  }
  expect(read).toEqual(batch.map(({ id }) => id));
});

async function open(options: Parameters<typeof startCluster>[1] = {}) {
  const cluster = await startCluster(3, options);
  const { logs } = await openAt(cluster);
  const [one, two, three] = logs;
  if (one === undefined || two === undefined || three === undefined) throw new Error('three relays were started');
  return { ...cluster, one, two, three };
}

async function openAt({
  relays,
  world,
}: Cluster): Promise<{ readonly logs: readonly Log[]; readonly world: Cluster['world'] }> {
  return { logs: await Promise.all(relays.map(({ logs }) => logs.open('room'))), world };
}

function pair([one, two]: readonly Log[]): readonly [Log, Log] {
  if (one === undefined || two === undefined) throw new Error('two relays were started');
  return [one, two];
}
