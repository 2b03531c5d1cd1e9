// PROTOCOL.md, rule 3: reading many channels on one connection.
import { expect, test } from 'vitest';
import { createRelayWorld, eventOf, ids, type RelayStart, type RelayUnderTest } from './world.ts';

/** Rule 3. */
export function manyRules(start: (options?: RelayStart) => Promise<RelayUnderTest>): void {
  const create = (options?: RelayStart) => createRelayWorld(start, options);
  const many = async (query: string, world: Awaited<ReturnType<typeof create>>, headers = {}) =>
    world.open(`?${query}`, headers, '/v1/events');

  test('2.12 a channel without room does not hold up the others of its connection', async () => {
    const world = await create({ limits: { subscribersMax: 1 } });
    await (await world.open()).control('connected');
    const stream = await many(`channel=${world.channel}&channel=${world.channel}:2`, world);
    expect(await stream.control('refused')).toEqual({ channel: world.channel, name: 'RateLimited' });
    await world.post('application/cloudevents+json', eventOf('1'), {}, `/v1/channels/${world.channel}:2/events`);
    expect(await stream.ids(1)).toEqual(['1']);
  });

  test('3.1 many channels on one connection, each behind its own position', async () => {
    const world = await create();
    const [one, two] = [`${world.channel}:1`, `${world.channel}:2`];
    const to = (channel: string, ...events: readonly object[]) =>
      world.post('application/cloudevents-batch+json', events, {}, `/v1/channels/${channel}/events`);
    const [first] = (
      (await (await to(one, ...ids(1, 3).map((id) => eventOf(id)))).json()) as { results: { offset: string }[] }
    ).results;
    await to(two, eventOf('old', { type: 'hidden' }));
    const stream = await many(`channel=${one}@${first?.offset}&channel=${two}&type=todo.*`, world);
    // Each channel's frames come in their order; between channels there is none.
    const seen: Record<string, unknown[]> = { [one]: [], [two]: [] };
    const readOn = async (channel: string, count: number): Promise<void> => {
      while ((seen[channel]?.length ?? 0) < count) {
        const { event, data } = (await stream.next()) ?? {};
        seen[String(data?.['channel'])]?.push(event ?? data?.['id']);
      }
    };
    await readOn(two, 1);
    await to(two, eventOf('new'), eventOf('not', { type: 'hidden' }));
    await readOn(one, 3);
    await readOn(two, 2);
    expect(seen).toEqual({ [one]: ['connected', '2', '3'], [two]: ['connected', 'new'] });
  });

  test('3.2 Last-Event-ID is passed over', async () => {
    const world = await create();
    const [, two] = await world.publish(eventOf('1'), eventOf('2'));
    const stream = await many(`channel=${world.channel}@earliest`, world, { 'last-event-id': two?.offset ?? '' });
    expect(await stream.ids(2)).toEqual(['1', '2']);
    await many(`channel=${world.channel}`, world, { 'last-event-id': 'nonsense' });
  });

  test('3.3 a channel that may not be read is refused, and the others go on', async () => {
    const world = await create({ secured: true });
    const authorization = `Bearer ${await world.token({ subscribe: [world.channel], publish: ['*'] })}`;
    const stream = await many(`channel=secret&channel=${world.channel}`, world, { authorization });
    expect(await stream.control('refused')).toEqual({ channel: 'secret', name: 'Forbidden' });
    await stream.control('connected');
    await world.post('application/cloudevents+json', eventOf('1'), { authorization });
    expect(await stream.ids(1)).toEqual(['1']);
    const none = await many('channel=secret&channel=other', world, { authorization });
    for (const channel of ['secret', 'other']) {
      expect(await none.next()).toMatchObject({ event: 'refused', data: { channel, name: 'Forbidden' } });
    }
    expect(await none.next()).toBeUndefined();
  });

  test('3.4 bad lists of channels are refused', async () => {
    const { get } = await create();
    const cases: readonly (readonly [string, string])[] = [
      ['', 'InvalidRequest'],
      [list(101), 'InvalidRequest'],
      ['channel=a&channel=a@earliest', 'InvalidRequest'],
      ['channel=a%20b', 'InvalidChannel'],
      ['channel=', 'InvalidRequest'],
      ['channel=@earliest', 'InvalidChannel'],
      ['channel=a@nonsense', 'InvalidOffset'],
      ['channel=a@earliest@latest', 'InvalidOffset'],
      ['channel=a&type=a..b', 'InvalidRequest'],
    ];
    for (const [query, name] of cases) {
      const response = await get(`/v1/events?${query}`);
      expect([query, response.status, ((await response.json()) as { name: string }).name]).toEqual([query, 400, name]);
    }
    const most = await get(`/v1/events?${list(100)}`);
    expect(most.status).toBe(200);
    await most.body?.cancel();
  });

  test('3.5 the connection has one heartbeat', async () => {
    const world = await create({ limits: { heartbeatMs: 300 } });
    const begin = Date.now();
    const stream = await many('channel=a&channel=b&channel=c', world);
    for (const _ of ids(1, 3)) await stream.control('connected');
    for (const _ of ids(1, 3)) await stream.heartbeat();
    // Three of one heartbeat take their time; three channels' own would have come at once.
    expect(Date.now() - begin).toBeGreaterThan(500);
  });

  test('3.6 a channel whose events a filter passes by tells where its reader resumes it', async () => {
    const world = await create({ limits: { heartbeatMs: 200 } });
    const stream = await many(`channel=${world.channel}&channel=${world.channel}:quiet&type=order.*`, world);
    for (const _ of ids(1, 2)) await stream.control('connected');
    const [, hidden] = await world.publish(eventOf('1'), eventOf('2'));
    const told = await stream.next();
    expect(told).toEqual({
      event: 'position',
      data: { channel: world.channel, position: hidden?.offset },
      isComment: false,
    });
    // Told once: the next frame is an event, which a reader from that position gets too.
    await stream.heartbeat();
    const resumed = await many(`channel=${world.channel}@${hidden?.offset}`, world);
    await resumed.control('connected');
    await world.publish(eventOf('3', { type: 'order.placed' }));
    expect((await stream.next())?.data).toMatchObject({ id: '3' });
    expect(await resumed.ids(1)).toEqual(['3']);
  });

  test('3.7 many channels are a stream and nothing else', async () => {
    const { get } = await create();
    const answer = async (accept: string): Promise<unknown> => {
      const response = await get('/v1/events?channel=a', { accept });
      await response.body?.cancel();
      return response.status === 200 ? response.headers.get('content-type')?.split(';')[0] : response.status;
    };
    for (const accept of ['*/*', 'text/event-stream', 'application/json, text/event-stream;q=0.5']) {
      expect([accept, await answer(accept)]).toEqual([accept, 'text/event-stream']);
    }
    for (const accept of ['application/json', 'text/html', 'text/event-stream;q=0, */*']) {
      expect([accept, await answer(accept)]).toEqual([accept, 406]);
    }
  });
}

function list(count: number): string {
  return ids(1, count)
    .map((id) => `channel=a${id}`)
    .join('&');
}
