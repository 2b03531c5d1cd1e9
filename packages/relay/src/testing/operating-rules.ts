// PROTOCOL.md, rule 5: what whoever runs the relay asks it.
import { expect, test } from 'vitest';
import { createRelayWorld, eventOf, ids, type RelayStart, type RelayUnderTest } from './world.ts';

/** Rule 5. */
export function operatingRules(start: (options?: RelayStart) => Promise<RelayUnderTest>): void {
  const create = (options?: RelayStart) => createRelayWorld(start, options);

  test('5.1 a channel’s numbers add up', async () => {
    const { publish, open, stat } = await create();
    const [all, some] = [await open(), await open('?type=order.*')];
    await all.control('connected');
    await some.control('connected');
    const results = await publish(...ids(1, 10).map((id) => eventOf(id)), eventOf('1'), {});
    await publish(eventOf('o', { type: 'order.placed' }), eventOf('e', { ephemeral: true }));
    await all.ids(12);
    await some.ids(1);
    const offsets = results.flatMap(({ offset, status }) => (status === 'appended' ? [offset] : []));
    await expect.poll(stat).toEqual({
      published: 11,
      duplicates: 1,
      refused: 1,
      delivered: 13,
      filtered: 11,
      dropped: {},
      subscribers: 2,
      queueDepth: 0,
      head: expect.stringMatching(/^[A-Za-z0-9._-]{1,64}$/),
      tail: offsets[0],
      bytes: expect.any(Number),
      since: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/),
    });
    await all.cancel();
    await expect.poll(async () => (await stat())['subscribers']).toBe(1);
  });

  test('5.1 each transport counts what it hands over, and nothing else', async () => {
    const { publish, open, connect, get, stat, relay, channel, path } = await create();
    const stream = await open();
    const many = await open(`?channel=${channel}&channel=${channel}:2&type=order.*`, {}, '/v1/events');
    const socket = await connect();
    for (const reader of [stream, many, many]) await reader.control('connected');
    await socket.message('connected');
    const { head } = await stat();
    const poll = get(`${path}?after=${String(head)}&wait=20`);
    await publish(eventOf('1'));
    expect(await (await poll).json()).toHaveLength(1);
    await publish(...ids(2, 9).map((id) => eventOf(id)), eventOf('10', { type: 'order.placed' }));
    await Promise.all([stream.ids(10), socket.ids(10), many.ids(1)]);
    const counted = { stream: [10, 0], socket: [10, 0], many: [1, 9], poll: [1, 0] };
    // A page is a reader's too; its head alone hands nothing over.
    await (await get(`${path}?after=earliest&limit=5`)).text();
    await relay.fetch(`${relay.url}${path}?after=earliest&limit=5`, { method: 'HEAD' });
    expect(await (await get(`${path}?after=earliest&type=order.*`)).json()).toHaveLength(1);
    const pages = { page: [5, 0], rare: [1, 9] };
    const all = Object.values({ ...counted, ...pages });
    const sum = (at: number): number => all.reduce((total, its) => total + (its[at] ?? 0), 0);
    await expect
      .poll(stat)
      .toMatchObject({ published: 10, delivered: sum(0), filtered: sum(1), dropped: {}, queueDepth: 0 });
  });

  test('5.2 the relay’s numbers are the sum over its channels', async () => {
    const { publish, get, relay, channel } = await create();
    await publish(eventOf('1'), eventOf('1'), {});
    const stats = async () => {
      const { channels, ...sums } = (await (await get('/v1/stats')).json()) as {
        channels: Record<string, Record<string, number>>;
      } & Record<string, number>;
      return { channels, sums };
    };
    const own = async (): Promise<unknown> => (await stats()).channels[channel];
    await expect.poll(own).toMatchObject({ published: 1, duplicates: 1, refused: 1 });
    const { channels, sums } = await stats();
    for (const field of ['published', 'duplicates', 'refused', 'delivered', 'subscribers', 'queueDepth', 'bytes']) {
      expect(sums[field]).toBe(Object.values(channels).reduce((sum, stat) => sum + (stat[field] ?? 0), 0));
    }
    expect(sums).toMatchObject({ dropped: {}, since: expect.any(String) });
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT/);
    if (relay.statsAreTold === true) expect([sums['asOf'], channels[channel]?.['asOf']]).toEqual([time, time]);
    else expect(sums).not.toHaveProperty('asOf');
    expect((await relay.fetch(`${relay.url}/v1/channels/${channel}`, { method: 'DELETE' })).status).toBe(204);
    await expect.poll(own).toBeUndefined();
  });

  test('5.3 the same for Prometheus', async () => {
    const { publish, get, channel } = await create();
    await publish(eventOf('1'));
    const metrics = async (): Promise<string> => (await get('/metrics')).text();
    await expect.poll(metrics).toContain(`\ngodwit_published_total{channel="${channel}"} 1\n`);
    expect((await get('/metrics')).headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await metrics();
    for (const line of text.trimEnd().split('\n')) expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{.+\})? [\d.]+)$/);
  });

  test('5.4 healthz and readyz need no token', async () => {
    const { get } = await create({ secured: true });
    for (const path of ['/healthz', '/readyz']) expect((await get(path)).status).toBe(200);
  });

  test('5.5 a removed channel is gone, and the next of its name begins anew', async () => {
    const { publish, relay, channel, get, path, stat } = await create();
    const remove = async (): Promise<number> =>
      (await relay.fetch(`${relay.url}/v1/channels/${channel}`, { method: 'DELETE' })).status;
    expect(await remove()).toBe(404);
    const [first] = await publish(eventOf('1'), eventOf('2'));
    expect(await remove()).toBe(204);
    expect(await remove()).toBe(404);
    const [anew] = await publish(eventOf('1'));
    expect(anew?.status).toBe('appended');
    expect(anew?.offset).not.toBe(first?.offset);
    expect(await stat()).toMatchObject({ published: 1, duplicates: 0 });
    expect((await get(`${path}?after=${first?.offset}`)).headers.get('godwit-gap')).toBe('epoch');
  });
}
