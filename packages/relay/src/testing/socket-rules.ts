// PROTOCOL.md, rule 6: a channel over a WebSocket, read and written.
import { expect, test } from 'vitest';
import { createRelayWorld, endsSoon, eventOf, ids, type RelayStart, type RelayUnderTest } from './world.ts';

const origin = 'https://app.example';

/** Rule 6. */
export function socketRules(start: (options?: RelayStart) => Promise<RelayUnderTest>): void {
  const create = (options?: RelayStart) => createRelayWorld(start, options);

  test('6.1 a message is a frame of rule 2 as JSON: what it carries, and its fields', async () => {
    const { publish, connect, channel } = await create();
    const socket = await connect();
    const connected = await socket.next();
    expect(connected).toEqual({
      event: 'connected',
      id: connected?.data?.['position'],
      data: { channel, head: connected?.['id'], position: connected?.['id'] },
    });
    const data = 'a\nb\r\nc\rd\u0000\ufeff\u2028\n\nid: 1\n\n';
    const [result] = await publish(eventOf('1', { data }), eventOf('2', { ephemeral: true }));
    const durable = { ...eventOf('1', { data }), channel, sequence: expect.any(String) };
    expect(await socket.next()).toEqual({ id: result?.offset, data: durable });
    expect(await socket.next()).toEqual({ data: { ...eventOf('2', { ephemeral: true }), channel } });
  });

  test('6.2 it reads on from ?after= or Last-Event-ID without a seam, and filters, as a stream does', async () => {
    const { publish, connect, channel } = await create();
    const before = await publish(...ids(1, 300).map((id) => eventOf(id)));
    const sockets = await Promise.all([
      connect('?after=earliest'),
      connect(`?after=${before[99]?.offset}`),
      connect('?after=latest', { 'last-event-id': before[199]?.offset ?? '' }),
      connect('?type=note.*'),
    ]);
    for (const id of ids(301, 340)) await publish(eventOf(id), eventOf(`n${id}`, { type: 'note.added' }));
    const [all, some, few, notes] = sockets;
    const news = ids(301, 340).flatMap((id) => [id, `n${id}`]);
    expect(await all.ids(380)).toEqual([...ids(1, 300), ...news]);
    expect(await some.ids(280)).toEqual([...ids(101, 300), ...news]);
    expect(await few.ids(180)).toEqual([...ids(201, 300), ...news]);
    expect(await notes.ids(40)).toEqual(ids(301, 340).map((id) => `n${id}`));
    const lost = await connect('?after=another.0000000000000007');
    expect(await lost.message('gap')).toMatchObject({ data: { channel, missed: null, reason: 'epoch' } });
    expect(await lost.ids(1)).toEqual(['1']);
  });

  test('6.3 a silent socket has a heartbeat, which moves a reader on past what its filter hid', async () => {
    // Longer than a busy process keeps a client's pong waiting.
    const { publish, connect } = await create({ limits: { heartbeatMs: 500 } });
    const socket = await connect('?type=order.*');
    expect(await socket.message('heartbeat')).toEqual({ event: 'heartbeat' });
    const [hidden] = await publish(eventOf('1'));
    let moved = await socket.message('heartbeat');
    while (moved['id'] === undefined) moved = await socket.message('heartbeat');
    expect(moved).toEqual({ event: 'heartbeat', id: hidden?.offset });
  });

  test('6.4 what is published is answered after the commit, by its ref and in its order', async () => {
    const { connect, page, stat } = await create();
    const socket = await connect();
    socket.say({ event: 'publish', ref: 'one', data: eventOf('1') });
    socket.say({
      event: 'publish',
      ref: 2,
      data: [eventOf('2'), { id: 'bad' }, eventOf('1'), eventOf('e', { ephemeral: true })],
    });
    socket.say({ event: 'publish', data: [] });
    const [first, second, third] = [
      await socket.message('results'),
      await socket.message('results'),
      await socket.message('results'),
    ];
    const offset = expect.any(String);
    expect(first).toEqual({
      event: 'results',
      ref: 'one',
      data: { results: [{ id: '1', status: 'appended', offset }] },
    });
    expect(second).toEqual({
      event: 'results',
      ref: 2,
      data: {
        results: [
          { id: '2', status: 'appended', offset },
          { id: 'bad', status: 'refused', failure: { name: 'InvalidEvent', message: expect.any(String) } },
          { id: '1', status: 'duplicate', offset },
          { id: 'e', status: 'relayed' },
        ],
      },
    });
    expect(third).toEqual({ event: 'results', data: { results: [] } });
    expect((await page()).map(({ id }) => id)).toEqual(['1', '2']);
    expect(await stat()).toMatchObject({ published: 2, duplicates: 1, refused: 1 });
  });

  test('6.4 a hundred publishes that do not wait for each other keep their order', async () => {
    const { connect, page } = await create();
    const [writer, reader] = [await connect(), await connect()];
    for (const id of ids(1, 100)) writer.say({ event: 'publish', ref: Number(id), data: eventOf(id) });
    for (const id of ids(1, 100)) expect(await writer.message('results')).toMatchObject({ ref: Number(id) });
    expect((await page()).map(({ id }) => id)).toEqual(ids(1, 100));
    expect(await reader.ids(100)).toEqual(ids(1, 100));
  });

  test('6.4 what a client publishes, and closes its socket at once, is done', async () => {
    const { connect, page } = await create();
    const socket = await connect();
    for (const id of ids(1, 5)) socket.say({ event: 'publish', ref: Number(id), data: eventOf(id) });
    socket.close();
    await socket.ended;
    await expect.poll(async () => (await page()).map(({ id }) => id)).toEqual(ids(1, 5));
  });

  test('6.5 what cannot be done is a failure with its ref, stores nothing, and the socket goes on', async () => {
    const { connect, get, path, channel, token } = await create({ secured: true });
    const authorization = `Bearer ${await token({ subscribe: [channel] })}`;
    const socket = await connect('', { authorization });
    await socket.message('connected');
    const cases: readonly (readonly [string, string, unknown])[] = [
      ['{', 'InvalidEvent', undefined],
      ['[]', 'InvalidRequest', undefined],
      ['null', 'InvalidRequest', undefined],
      ['{"event":"subscribe","ref":1}', 'InvalidRequest', 1],
      ['{"ref":"a"}', 'InvalidRequest', 'a'],
      ['{"event":"publish","ref":{}}', 'InvalidRequest', undefined],
      [`{"event":"publish","ref":2,"data":{"id":"1"}}`, 'InvalidEvent', 2],
      [`{"event":"publish","ref":3}`, 'InvalidEvent', 3],
      [JSON.stringify({ event: 'publish', ref: 4, data: eventOf('1') }), 'Forbidden', 4],
    ];
    for (const [text, name, ref] of cases) {
      socket.send(text);
      const answer = await socket.message('failure');
      expect([text, answer['ref'], answer.data?.['name']]).toEqual([text, ref, name]);
      expect(answer.data).toMatchObject({ status: expect.any(Number), detail: expect.any(String) });
    }
    socket.say({ event: 'ping' });
    expect(await socket.message('pong')).toEqual({ event: 'pong' });
    expect(await (await get(`${path}?after=earliest`, { authorization })).json()).toEqual([]);
  });

  test('6.6 a ping is answered', async () => {
    const { connect } = await create();
    const socket = await connect();
    socket.say({ event: 'ping', ref: 7 });
    expect(await socket.message('pong')).toEqual({ event: 'pong', ref: 7 });
  });

  test('6.7 a message that is too large or not text ends the socket', async () => {
    const { connect, page } = await create({ limits: { batchBytesMax: 2000 } });
    const [large, binary] = [await connect(), await connect()];
    large.say({ event: 'publish', data: eventOf('1', { data: 'x'.repeat(2000) }) });
    expect((await large.ended).code).toBe(1009);
    binary.send(new TextEncoder().encode(JSON.stringify({ event: 'publish', data: eventOf('1') })));
    expect((await binary.ended).code).toBe(1003);
    expect(await page()).toEqual([]);
  });

  test('6.8 a relay that goes away says when to come back, and ends the socket', async () => {
    const { connect, relay } = await create();
    if (relay.drain === undefined) return;
    const socket = await connect();
    await socket.message('connected');
    socket.say({ event: 'publish', ref: 1, data: eventOf('1') });
    await socket.message('results');
    const drained = relay.drain();
    const { data } = await socket.message('drain');
    expect(Number.isInteger(data?.['retryAfterMs'])).toBe(true);
    expect(await socket.next()).toBeUndefined();
    expect((await socket.ended).code).toBe(1012);
    await drained;
  });

  test('6.8 a socket ends with its token', async () => {
    const { connect, channel, token } = await create({ secured: true });
    const exp = endsSoon();
    const socket = await connect('', { authorization: `Bearer ${await token({ subscribe: [channel], exp })}` });
    await socket.message('connected');
    await socket.message('drain');
    expect((await socket.ended).code).toBe(4401);
  });

  test('6.9 only pages of the relay or of those that it was told open a socket', async () => {
    const { connect, refused, channel, token, relay } = await create({ secured: true, origins: [origin] });
    const authorization = `Bearer ${await token({ subscribe: [channel] })}`;
    for (const own of [origin, relay.url]) await connect('', { authorization, origin: own });
    for (const other of ['https://evil.example', 'null', `${relay.url}.evil.example`]) {
      const response = await refused('', { authorization, origin: other });
      expect([other, response.status]).toEqual([other, 403]);
      expect(await response.json()).toMatchObject({ name: 'Forbidden' });
    }
  });

  test('6.10 the token stands in the header, in the cookie, or among the protocols, and is never answered', async () => {
    const { connect, refused, channel, token } = await create({ secured: true, origins: [origin] });
    const allowed = await token({ subscribe: [channel], publish: [channel] });
    const protocols = `godwit.v1, godwit.bearer.${allowed}`;
    const byProtocol = await connect('', { 'sec-websocket-protocol': protocols });
    expect(byProtocol.protocol).toBe('godwit.v1');
    byProtocol.say({ event: 'publish', ref: 1, data: eventOf('1') });
    expect(await byProtocol.message('results')).toMatchObject({ data: { results: [{ status: 'appended' }] } });
    expect((await connect('', { authorization: `Bearer ${allowed}` })).protocol).toBe('');
    await connect('', { cookie: `godwit_token=${allowed}`, origin });
    const evil = await refused('', { cookie: `godwit_token=${allowed}`, origin: 'https://evil.example' });
    const nobody = await refused();
    const other = await refused('', { authorization: `Bearer ${await token({ subscribe: ['other'] })}` });
    const expired = await refused('', { 'sec-websocket-protocol': `godwit.v1, godwit.bearer.x.y.z` });
    expect([evil.status, nobody.status, other.status, expired.status]).toEqual([403, 401, 403, 401]);
  });

  test('6.11 what is no handshake, or asks for what is not there, is refused as by rule 8', async () => {
    const { relay, get, refused, channel } = await create({ limits: { subscribersMax: 1 } });
    const plain = await get(`/v1/channels/${channel}/socket`);
    expect(plain.status).toBe(426);
    // A header of one hop: a proxy keeps it to itself.
    if (relay.isBehindProxy !== true) expect(plain.headers.get('upgrade')).toBe('websocket');
    expect(await plain.json()).toMatchObject({ name: 'InvalidRequest' });
    expect((await refused('?after=nonsense')).status).toBe(400);
    expect((await refused('?type=a..b')).status).toBe(400);
  });

  test('6.11 a socket for which there is no room is refused, and says when to come back', async () => {
    const { connect, refused } = await create({ limits: { subscribersMax: 1 } });
    await (await connect()).message('connected');
    const response = await refused();
    expect([response.status, response.headers.has('retry-after')]).toEqual([429, true]);
  });

  test('6.12 sockets are counted as streams are', async () => {
    const { connect, publish, stat } = await create();
    const socket = await connect('?type=todo.*');
    await socket.message('connected');
    await publish(eventOf('1'), eventOf('2', { type: 'note' }), eventOf('3'));
    await socket.ids(2);
    expect(await stat()).toMatchObject({ subscribers: 1, delivered: 2, filtered: 1, queueDepth: 0 });
    socket.close();
    await socket.ended;
    await expect.poll(async () => (await stat())['subscribers']).toBe(0);
  });
}
