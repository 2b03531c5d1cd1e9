// Many at once: publishers, readers, one that stalls, and a disk that is full.
import { once } from 'node:events';
import { connect } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createTestLogger } from '@godwit/core/testing';
import { expect, onTestFinished, test } from 'vitest';
import { createRelayWorld, eventOf, eventType, ids } from '../src/testing/index.ts';
import { start } from './relay.ts';

const create = () => createRelayWorld(start);

test('forty publish at once: all readers have one order, and each publisher’s own is kept', async () => {
  const { publish, open, page, relay, channel, stat } = await create();
  const readers = [await open(), await open(`?channel=${channel}`, {}, '/v1/events'), await open()];
  for (const reader of readers) await reader.control('connected');
  const readings = readers.map((reader) => reader.ids(1200));
  await Promise.all(
    ids(1, 40).map(async (publisher) => {
      for (const batch of ids(0, 9)) {
        const events = ids(1, 3).map((id) => eventOf(`${publisher}.${batch}${id}`, { source: `/${publisher}` }));
        await publish(...events);
      }
    }),
  );
  const [order, ...others] = await Promise.all(readings);
  for (const other of others) expect(other).toEqual(order);
  expect(await stat()).toMatchObject({ published: 1200, delivered: 3600, queueDepth: 0 });
  expect((await page()).map(({ id }) => id)).toEqual(order?.slice(0, 1000));
  for (const publisher of ids(1, 40)) {
    const own = (order ?? []).map(String).filter((id) => id.startsWith(`${publisher}.`));
    expect(own).toEqual([...own].sort());
    expect(own).toHaveLength(30);
  }
  expect(relay.url).toMatch(/^http/);
});

test('a reader that stalls costs no memory, hurts nobody, and gets everything when it reads on', async () => {
  const { publish, open, relay, path, stat } = await create();
  const { hostname, port } = new URL(relay.url);
  const stalled = connect(Number(port), hostname);
  onTestFinished(() => void stalled.destroy());
  await once(stalled, 'connect');
  stalled.write(`GET ${path}?after=latest HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n`);
  await once(stalled, 'readable');
  const quick = await open();
  await quick.control('connected');
  const data = 'x'.repeat(20_000);
  const total = 2000;
  const batch = 40;
  const before = heldBytes();
  let grown = 0;
  for (let first = 1; first <= total; first += batch) {
    const reading = quick.ids(batch);
    await publish(...ids(first, first + batch - 1).map((id) => eventOf(id, { data })));
    expect(await reading).toEqual(ids(first, first + batch - 1));
    grown = Math.max(grown, heldBytes() - before);
  }
  // 40 MB went by; what is held is a ring, and a socket's worth or two.
  const { queueDepth } = await stat();
  expect(Number(queueDepth)).toBeGreaterThan(500);
  expect(grown).toBeLessThan(20_000_000);
  let text = '';
  const seen: number[] = [];
  stalled.on('data', (chunk) => {
    text += chunk.toString('latin1');
    const found = [...text.matchAll(/"id":"(\d+)"/g)];
    seen.push(...found.map(([, id]) => Number(id)));
    const last = found.at(-1);
    if (last !== undefined) text = text.slice(last.index + last[0].length);
    else text = text.slice(-100);
  });
  await expect.poll(() => seen.length).toBe(total);
  expect(seen.map(String)).toEqual(ids(1, total));
  expect(await stat()).toMatchObject({ delivered: 2 * total, queueDepth: 0, dropped: {} });
});

test('on a full disk it refuses with 503, acknowledges nothing, serves reads, and goes on when there is room', async () => {
  const reports: string[] = [];
  const world = await createRelayWorld((options) =>
    start(options, { fileBytesMax: 1_500_000, logger: createTestLogger(), report: ({ name }) => reports.push(name) }),
  );
  const { post, publish, page, relay, path } = world;
  const data = 'x'.repeat(50_000);
  const spare = `${world.channel}:spare`;
  await post(eventType, eventOf('spare', { data: 'x'.repeat(200_000) }), {}, `/v1/channels/${spare}/events`);
  let stored = 0;
  let response: Response;
  for (;;) {
    response = await post(eventType, eventOf(String(stored + 1), { data }));
    if (response.status !== 200) break;
    await response.text();
    stored += 1;
  }
  expect([response.status, Number(response.headers.get('retry-after')) > 0]).toEqual([503, true]);
  expect(await response.json()).toMatchObject({
    name: 'StorageFailed',
    detail: expect.stringContaining('the disk is full'),
  });
  expect(stored).toBeGreaterThan(5);
  expect(reports).toContain('StorageFailed');
  const held: unknown[] = [];
  for (let after = 'earliest'; ;) {
    const got = await relay.fetch(`${relay.url}${path}?after=${after}`);
    held.push(...((await got.json()) as { id: string }[]).map(({ id }) => id));
    after = got.headers.get('godwit-next-offset') ?? '';
    if (got.headers.get('godwit-up-to-date') === 'true') break;
  }
  expect(held).toEqual(ids(1, stored));
  expect((await relay.fetch(`${relay.url}/v1/channels/${spare}`, { method: 'DELETE' })).status).toBe(204);
  await expect.poll(async () => (await post(eventType, eventOf('after', { data }))).status).toBe(200);
  expect((await publish(eventOf('1')))[0]?.status).toBe('duplicate');
  expect(await page(`?after=earliest&limit=1`)).toHaveLength(1);
});

/** What this process holds once it has let go of what it can. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
