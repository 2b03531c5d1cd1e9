// PROTOCOL.md, rules 0 and 1: events, and how they come in.
import { expect, test } from 'vitest';
import { batchType, createRelayWorld, eventOf, eventType, ids, type RelayStart, type RelayUnderTest } from './world.ts';

const kib = 1024;

/** Rules 0 and 1. */
export function publishRules(start: (options?: RelayStart) => Promise<RelayUnderTest>): void {
  const create = (options?: RelayStart) => createRelayWorld(start, options);

  test('0.1 an event is a CloudEvent 1.0, and unknown extensions are kept', async () => {
    const { publish, page } = await create();
    const event = eventOf('1', {
      time: '2026-01-02T03:04:05.678Z',
      subject: 'a "b"',
      data: { text: 'ä\r\n\u0000\u2028🦩', list: [1, null, true, { deep: '' }] },
      partitionkey: 'k',
      retries: 3,
      urgent: true,
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    });
    await publish({ ...event, dataschema: null });
    const [{ channel: _channel, sequence: _sequence, ...stored } = {}] = await page();
    expect(stored).toEqual(event);
  });

  test('0.2 the relay sets channel and sequence, whatever the publisher wrote there', async () => {
    const { publish, page, channel } = await create();
    const [result] = await publish(eventOf('1', { channel: 'another', sequence: 'z' }));
    const [event] = await page();
    expect(event?.['channel']).toBe(channel);
    expect(event?.['sequence']).toMatch(/^\d{10,}$/);
    expect(result?.offset.endsWith(String(event?.['sequence']))).toBe(true);
  });

  test('0.3 the same source and id is a duplicate with the first offset, whatever its payload', async () => {
    const { publish, page } = await create();
    const [first] = await publish(eventOf('1', { data: 'one' }));
    const [again, other] = await publish(eventOf('1', { type: 'else', data: 'two' }), eventOf('1', { source: '/bob' }));
    expect(again).toEqual({ id: '1', status: 'duplicate', offset: first?.offset });
    expect(other?.status).toBe('appended');
    expect((await page()).map(({ source, data }) => [source, data])).toEqual([
      ['/alice', 'one'],
      ['/bob', undefined],
    ]);
  });

  test('0.4 a bad channel name is refused, and an unwritten channel is empty', async () => {
    const { relay, get, post, page } = await create();
    // Proxies take a NUL for an attack, and have words of their own for that.
    const names = relay.isBehindProxy === true ? [] : ['a%00'];
    for (const name of [...names, 'a%20b', 'a%2Fb', '%C3%A4', 'x'.repeat(129), 'a@b', '%F0%9F%A6%A9', 'a*']) {
      const path = `/v1/channels/${name}/events`;
      for (const response of [await get(path), await post(eventType, eventOf('1'), {}, path)]) {
        expect([name, response.status, await nameOf(response)]).toEqual([name, 400, 'InvalidChannel']);
      }
    }
    expect((await get(`/v1/channels/${'~'.repeat(128)}/events`)).status).toBe(200);
    expect(await page()).toEqual([]);
  });

  test('0.5 offsets are short, of safe characters, and grow as text; a malformed one is refused', async () => {
    const { publish, get, path } = await create();
    const results = await publish(...ids(1, 120).map((id) => eventOf(id)));
    const offsets = results.map(({ offset }) => offset);
    expect([...offsets].sort()).toEqual(offsets);
    for (const offset of offsets) expect(offset).toMatch(/^[A-Za-z0-9._-]{1,64}$/);
    for (const bad of ['x', '0', 'a b', '%00', 'Latest', `${'a'.repeat(60)}.0000000000000001`, '%0A', 'ä']) {
      for (const accept of ['text/event-stream', 'application/json']) {
        const response = await get(`${path}?after=${bad}`, { accept });
        expect([bad, response.status, await nameOf(response)]).toEqual([bad, 400, 'InvalidOffset']);
      }
    }
  });

  test('0.6 type patterns match by segments', async () => {
    const { publish, page, get, path } = await create();
    const types = ['order', 'order.placed', 'order.item.added', 'orders.placed', 'placed'];
    await publish(...types.map((type) => eventOf(type, { type })));
    const shown = async (pattern: string): Promise<unknown> =>
      (await page(`?after=earliest&type=${encodeURIComponent(pattern)}`)).map(({ type }) => type);
    expect(await shown('order.*')).toEqual(['order.placed']);
    expect(await shown('order.**')).toEqual(['order', 'order.placed', 'order.item.added']);
    expect(await shown('*.placed')).toEqual(['order.placed', 'orders.placed']);
    expect(await shown('order')).toEqual(['order']);
    expect(await shown('*')).toEqual(types);
    expect(await shown('**')).toEqual(types);
    expect(await shown('')).toEqual(types);
    for (const bad of ['a..b', 'a*', '.']) {
      const response = await get(`${path}?type=${bad}`);
      expect([bad, response.status, await nameOf(response)]).toEqual([bad, 400, 'InvalidRequest']);
    }
  });

  test('0.6 an empty query parameter is absent, whichever it is, also beside one that says something', async () => {
    const { publish, page, get, open, connect, path, channel } = await create();
    await publish(eventOf('1'), eventOf('2'));
    const query = '?after=&after=earliest&limit=&limit=1&wait=&wait=0&type=&source=&ce-tenant=&client=&ephemeral=';
    expect((await page(query)).map(({ id }) => id)).toEqual(['1']);
    for (const reader of [await open(query), await connect(query)]) expect(await reader.ids(2)).toEqual(['1', '2']);
    const many = await open(`?channel=&channel=${channel}@earliest&channel=`, {}, '/v1/events');
    expect(await many.ids(2)).toEqual(['1', '2']);
    const present = await open('?client=&client=alice');
    await present.control('connected');
    const { clients } = (await (await get(`/v1/channels/${channel}/presence`)).json()) as { clients: unknown };
    expect(clients).toMatchObject([{ clientId: 'alice' }]);
    for (const bad of ['limit=&limit=0', 'wait=&wait=x', 'ephemeral=&ephemeral=keep', 'type=&type=a..b']) {
      const response = await get(`${path}?${bad}`, { accept: bad.startsWith('e') ? 'text/event-stream' : '*/*' });
      expect([bad, response.status, await nameOf(response)]).toEqual([bad, 400, 'InvalidRequest']);
    }
  });

  test('1.1 structured mode: one event as the body', async () => {
    const { post, page } = await create();
    const response = await post(`${eventType}; charset=UTF-8`, eventOf('1', { data: 7 }));
    expect(response.status).toBe(200);
    const { results } = (await response.json()) as { results: unknown[] };
    expect(results).toEqual([{ id: '1', status: 'appended', offset: expect.any(String) }]);
    expect(await page()).toMatchObject([eventOf('1', { data: 7 })]);
  });

  test('1.2 batched mode: an array, which may be empty', async () => {
    const { publish, page } = await create();
    expect(await publish()).toEqual([]);
    expect((await publish(...ids(1, 1000).map((id) => eventOf(id)))).map(({ id }) => id)).toEqual(ids(1, 1000));
    expect((await page()).map(({ id }) => id)).toEqual(ids(1, 1000));
  });

  test('1.3 binary mode: attributes in headers, the data as the body', async () => {
    const { post, page } = await create();
    const send = (id: string, type: string, body: string | Uint8Array<ArrayBuffer>, more = {}): Promise<Response> =>
      post(type, body, { 'ce-specversion': '1.0', 'ce-id': id, 'ce-source': '/alice', 'ce-type': 'a.b', ...more });
    expect(
      (await send('1', 'application/json', '{"a":[1]}', { 'ce-subject': '%C3%A4%20%22%F0%9F%A6%A9', 'ce-key': 'k' }))
        .status,
    ).toBe(200);
    expect((await send('2', 'text/plain; charset=utf-8', 'h\u00e9llo\r\n')).status).toBe(200);
    expect((await send('3', 'application/octet-stream', new Uint8Array([0, 255, 13, 10]))).status).toBe(200);
    expect((await send('4', 'application/vnd.x+json', '"x"')).status).toBe(200);
    expect((await send('5', 'application/json', '1', { 'ce-ephemeral': 'true' })).status).toBe(200);
    // A content type that came twice; a comma within quotes is none between two.
    expect((await send('8', 'text/plain, application/json', '{"a":8}')).status).toBe(200);
    expect((await send('9', 'multipart/mixed; boundary="a,b"', 'x')).status).toBe(200);
    expect(await page()).toMatchObject([
      { id: '1', subject: 'ä "🦩', key: 'k', datacontenttype: 'application/json', data: { a: [1] } },
      { id: '2', datacontenttype: 'text/plain; charset=utf-8', data: 'héllo\r\n' },
      { id: '3', datacontenttype: 'application/octet-stream', data_base64: 'AP8NCg==' },
      { id: '4', data: 'x' },
      { id: '8', datacontenttype: 'application/json', data: { a: 8 } },
      { id: '9', datacontenttype: 'multipart/mixed; boundary="a,b"', data_base64: 'eA==' },
    ]);
    for (const more of [
      { 'ce-subject': '%zz' },
      { 'ce-subject': '%C3' },
      { 'ce-data': 'x' },
      { 'ce-bad_name': 'x' },
      { 'ce-time': 'now' },
    ]) {
      const response = await send('6', 'application/json', '1', more);
      expect([more, response.status, await nameOf(response)]).toEqual([more, 400, 'InvalidEvent']);
    }
    expect((await send('7', 'application/json', '{')).status).toBe(400);
  });

  test('1.4 one result per event, in the order of the batch and of the log', async () => {
    const { publish, page } = await create();
    await publish(eventOf('b'));
    const results = await publish(
      eventOf('a'),
      eventOf('b'),
      eventOf('e', { ephemeral: true }),
      { id: 7 },
      eventOf('c'),
      eventOf('a'),
    );
    expect(results.map(({ id, status }) => [id, status])).toEqual([
      ['a', 'appended'],
      ['b', 'duplicate'],
      ['e', 'relayed'],
      [null, 'refused'],
      ['c', 'appended'],
      ['a', 'duplicate'],
    ]);
    expect(results[3]).toEqual({
      id: null,
      status: 'refused',
      failure: { name: 'InvalidEvent', message: expect.stringContaining('[3]') },
    });
    expect(results[2]).toEqual({ id: 'e', status: 'relayed' });
    expect((await page()).map(({ id }) => id)).toEqual(['b', 'a', 'c']);
  });

  test('1.5 an ephemeral event reaches who reads, between its neighbours, and is not stored', async () => {
    const { publish, page, open } = await create();
    const stream = await open();
    await stream.control('connected');
    await publish(eventOf('1'), eventOf('e', { ephemeral: true }), eventOf('2'));
    expect(await stream.ids(3)).toEqual(['1', 'e', '2']);
    expect((await page()).map(({ id }) => id)).toEqual(['1', '2']);
  });

  test('1.6 one refused event does not stop its neighbours', async () => {
    const { publish, page, stat } = await create();
    const large = eventOf('large', { data: 'x'.repeat(256 * kib) });
    const results = await publish(
      eventOf('1'),
      { ...eventOf('bad'), source: 3 },
      JSON.parse('null'),
      large,
      eventOf('2'),
    );
    expect(results.map(({ id, status }) => [id, status])).toEqual([
      ['1', 'appended'],
      ['bad', 'refused'],
      [null, 'refused'],
      ['large', 'refused'],
      ['2', 'appended'],
    ]);
    const failures = results.map(({ failure }) => failure as { name: string; message: string } | undefined);
    expect(failures.map((failure) => failure?.name)).toEqual([
      undefined,
      'InvalidEvent',
      'InvalidEvent',
      'TooLarge',
      undefined,
    ]);
    expect(failures[1]?.message).toContain('[1]: attribute "source"');
    expect((await page()).map(({ id }) => id)).toEqual(['1', '2']);
    expect(await stat()).toMatchObject({ published: 2, refused: 3 });
  });

  test('1.7 a malformed event is refused, saying where, and nothing is stored', async () => {
    const { post, page } = await create();
    const cases: readonly (readonly [string, RequestInit['body'] | object, string])[] = [
      [eventType, { ...eventOf('1'), type: '' }, 'attribute "type" is empty'],
      [eventType, { specversion: '1.0', id: '1', type: 'a' }, 'attribute "source" is missing'],
      [eventType, { ...eventOf('1'), specversion: '0.3' }, 'specversion'],
      [eventType, { ...eventOf('1'), time: '2026-02-30T00:00:00Z' }, 'attribute "time"'],
      [eventType, { ...eventOf('1'), time: '2026-01-01T24:00:00Z' }, 'attribute "time"'],
      [eventType, { ...eventOf('1'), time: '2016-12-31T23:59:60Z' }, 'attribute "time"'],
      [eventType, { ...eventOf('1'), data_base64: 'no bytes' }, 'attribute "data_base64"'],
      [eventType, { ...eventOf('1'), data_base64: 'AAA' }, 'attribute "data_base64"'],
      [eventType, '', 'JSON'],
      [eventType, '{"specversion":"1.0","id":"1","sour', 'JSON'],
      [eventType, new Uint8Array([0x22, 0xff, 0x22]), 'UTF-8'],
      [eventType, '[]', 'an array'],
      [
        eventType,
        `{"specversion":"1.0","id":"1","source":"/a","type":"t","data":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
        'deep',
      ],
      [batchType, '[{"specversion":"1.0"', 'JSON'],
      [batchType, '{}', 'array'],
      [batchType, 'null', 'array'],
    ];
    for (const [type, body, says] of cases) {
      const response = await post(type, body);
      const problem = (await response.json()) as { name: string; detail: string };
      expect([response.status, problem.name, problem.detail]).toEqual([
        400,
        'InvalidEvent',
        expect.stringContaining(says),
      ]);
    }
    expect(await page()).toEqual([]);
  });

  test('1.8 what is too large is refused, without being read to its end', async () => {
    const { post, page } = await create();
    const cases = [
      post(eventType, eventOf('1', { data: 'x'.repeat(256 * kib) })),
      post(
        batchType,
        ids(1, 1001).map((id) => eventOf(id)),
      ),
      post(
        batchType,
        ids(1, 6).map((id) => eventOf(id, { data: 'x'.repeat(200 * kib) })),
      ),
    ];
    for (const response of await Promise.all(cases))
      expect([response.status, await nameOf(response)]).toEqual([413, 'TooLarge']);
    expect((await post(eventType, eventOf('fits', { data: 'x'.repeat(255 * kib) }))).status).toBe(200);
    expect(await page()).toHaveLength(1);
  });

  test('1.9 other content types are refused', async () => {
    const { post, page } = await create();
    const binary = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/a', 'ce-type': 't' };
    const latin = { 'content-type': `${eventType}; charset=latin1` };
    const cases = [
      post('application/json', eventOf('1')),
      post('text/plain', JSON.stringify(eventOf('1'))),
      post('', new TextEncoder().encode(JSON.stringify(eventOf('1')))),
      post('application/cloudevents+xml', '<x/>', { 'ce-id': '1' }),
      post('', JSON.stringify(eventOf('1')), latin),
      post('application/json; charset=iso-8859-1', '"\u00e9"', binary),
      post('application/vnd.x+json; charset="utf-16"', '1', binary),
    ];
    for (const response of await Promise.all(cases)) {
      expect([response.status, await nameOf(response)]).toEqual([415, 'UnsupportedMediaType']);
    }
    expect(await page()).toEqual([]);
  });

  test('1.9 a body that is compressed is refused, and not stored as what nobody meant', async () => {
    const { post, page } = await create();
    const binary = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/a', 'ce-type': 't' };
    const packed = await new Response(
      new Blob([JSON.stringify(eventOf('1'))]).stream().pipeThrough(new CompressionStream('gzip')),
    ).arrayBuffer();
    for (const coding of ['gzip', 'GZIP', 'deflate', 'br', 'identity, gzip', 'nonsense']) {
      for (const response of [
        await post(eventType, packed, { 'content-encoding': coding }),
        await post(batchType, packed, { 'content-encoding': coding }),
        await post('application/octet-stream', packed, { ...binary, 'content-encoding': coding }),
      ]) {
        const { status, headers } = response;
        expect([coding, status, headers.get('accept-encoding')]).toEqual([coding, 415, 'identity']);
        expect(await nameOf(response)).toBe('UnsupportedMediaType');
      }
    }
    expect(await page()).toEqual([]);
    expect((await post(eventType, eventOf('1'), { 'content-encoding': 'identity' })).status).toBe(200);
  });
}

async function nameOf(response: Response): Promise<unknown> {
  return ((await response.json()) as { name?: unknown }).name;
}
