// PROTOCOL.md, rule 2: reading a channel live.
import { expect, test } from 'vitest';
import { createRelayWorld, eventOf, ids, type RelayStart, type RelayUnderTest } from './world.ts';
import { readFrames, type SeenFrame } from './frames.ts';

const unknownOffset = 'another.0000000000000007';

/** Rule 2. */
export function streamRules(start: (options?: RelayStart) => Promise<RelayUnderTest>): void {
  const create = (options?: RelayStart) => createRelayWorld(start, options);

  test('2.1 the answer starts at once, and nothing on the way may hold it back', async () => {
    const { get, path } = await create();
    const response = await get(path, { accept: 'text/event-stream' });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream\b/);
    expect(response.headers.get('cache-control')).toBe('no-store, no-transform');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    const reader = response.body?.getReader();
    expect((await reader?.read())?.value?.byteLength).toBeGreaterThan(0);
    await reader?.cancel();
  });

  test('2.2 an event is one frame with its offset and its JSON on one line; an ephemeral one has no offset', async () => {
    const { publish, open, channel } = await create();
    const stream = await open();
    await stream.control('connected');
    const event = eventOf('1', { data: 'a\nb\r\nc\rd\u0000\ufeff\u2028' });
    const [result] = await publish(event, eventOf('2', { ephemeral: true }));
    const [durable, ephemeral] = await stream.events(2);
    expect(durable).toEqual({
      id: result?.offset,
      data: { ...event, channel, sequence: expect.any(String) },
      isComment: false,
    });
    expect(ephemeral).toEqual({ data: { ...eventOf('2', { ephemeral: true }), channel }, isComment: false });
  });

  test('2.3 the first frame says where the reader stands', async () => {
    const { publish, open, channel } = await create();
    const empty = await (await open()).next();
    expect(empty?.event).toBe('connected');
    expect(empty?.data).toMatchObject({ channel, head: empty?.id, position: empty?.id });
    const [first, second] = await publish(eventOf('1'), eventOf('2'));
    const frame = await (await open(`?after=${first?.offset}`)).next();
    expect(frame).toMatchObject({ event: 'connected', id: first?.offset });
    expect(frame?.data).toEqual({ channel, head: second?.offset, position: first?.offset });
    // A plain EventSource that was cut off before any event comes back with this id, and misses nothing.
    const resumed = await open('', { 'last-event-id': empty?.id ?? '' });
    expect(await resumed.ids(2)).toEqual(['1', '2']);
  });

  test('2.4 Last-Event-ID wins over ?after=, an empty one is absent, and latest is the default', async () => {
    const { publish, open } = await create();
    const [one, two] = await publish(eventOf('1'), eventOf('2'), eventOf('3'));
    const readers = await Promise.all([
      open(`?after=${two?.offset}`, { 'last-event-id': one?.offset ?? '' }),
      open(`?after=${two?.offset}`, { 'last-event-id': '' }),
      open('?after='),
      open('?after=latest'),
      open('?after=earliest'),
    ]);
    for (const reader of readers) await reader.control('connected');
    await publish(eventOf('4'));
    const counts = [3, 2, 1, 1, 4];
    const read = await Promise.all(readers.map((reader, index) => reader.ids(counts[index] ?? 0)));
    expect(read).toEqual([ids(2, 4), ids(3, 4), ['4'], ['4'], ids(1, 4)]);
  });

  test('2.5 from every offset on, a reader gets the rest, once and in order, without a seam', async () => {
    const { publish, open } = await create();
    const before = await publish(...ids(1, 300).map((id) => eventOf(id)));
    const offsets = before.map(({ offset }) => offset);
    const places = [0, 1, 63, 64, 255, 256, 298];
    const readers = await Promise.all(places.map((place) => open(`?after=${offsets[place]}`)));
    const readings = readers.map((reader, index) => reader.events(399 - (places[index] ?? 0)));
    for (const id of ids(301, 400)) await publish(eventOf(id));
    for (const [index, reading] of readings.entries()) {
      const frames = await reading;
      expect(frames.map(({ data }) => data?.['id'])).toEqual(ids((places[index] ?? 0) + 2, 400));
      expect([...frames].map(offsetOf).sort()).toEqual(frames.map(offsetOf));
    }
  });

  test('2.5 a stream that is cut anywhere, and resumed behind its last whole frame, loses nothing and doubles nothing', async () => {
    const { publish, get, open, path } = await create();
    const all = ids(1, 6);
    await publish(...all.map((id) => eventOf(id, { data: 'ä🦩\n\n' })));
    const whole = await bytesUntil(await get(`${path}?after=earliest`, { accept: 'text/event-stream' }), '"id":"6"');
    // A step that meets each place of a frame in one frame or another.
    for (let cut = 0; cut < whole.length; cut += 23) {
      const { begun, last } = await understood(whole.subarray(0, cut));
      const resumed = await open('?after=earliest', { 'last-event-id': last });
      expect([cut, ...begun, ...(await resumed.ids(all.length - begun.length))]).toEqual([cut, ...all]);
      await resumed.cancel();
    }
  });

  test('2.6 a filter shows only what it matches', async () => {
    const { publish, open } = await create();
    const stream = await open('?after=earliest&type=order.*&type=note');
    await publish(
      ...['order.placed', 'note', 'note.added', 'todo', 'order.paid'].map((type) => eventOf(type, { type })),
    );
    expect(await stream.ids(3)).toEqual(['order.placed', 'note', 'order.paid']);
  });

  test('2.7 a position that is not held is a gap, told before anything else', async () => {
    const { publish, open, channel } = await create();
    const [first] = await publish(eventOf('1'), eventOf('2'));
    const beyond = (first?.offset ?? '').replace(/\d$/, '9');
    for (const after of [unknownOffset, beyond]) {
      const stream = await open(`?after=${after}`);
      const connected = await stream.next();
      expect(connected).not.toHaveProperty('id');
      const gap = await stream.next();
      expect(gap?.event).toBe('gap');
      expect(gap?.data).toEqual({
        channel,
        missed: null,
        reason: 'epoch',
        next: first?.offset,
        position: connected?.data?.['position'],
      });
      expect(gap?.id).toBe(connected?.data?.['position']);
      expect(await stream.ids(2)).toEqual(['1', '2']);
    }
  });

  test('2.7 below what is held, the gap has the exact number', async () => {
    const { publish, open, path, get } = await create({ limits: { retentionBytes: 20_000 } });
    const [first] = await publish(eventOf('0'));
    const data = 'x'.repeat(1000);
    for (const id of ids(1, 60)) await publish(eventOf(id, { data }));
    // Trimmed in the background: ask until it is.
    await expect
      .poll(async () => (await get(`${path}?after=${first?.offset}&limit=1`)).headers.get('godwit-gap'))
      .toBe('retention');
    const stream = await open(`?after=${first?.offset}`);
    const gap = await stream.control('gap');
    expect(gap).toMatchObject({ reason: 'retention', missed: expect.any(Number) });
    const [next] = await stream.events(1);
    expect(next?.id).toBe(gap['next']);
    expect(Number(next?.data?.['id'])).toBe(Number(gap['missed']) + 1);
  });

  test('2.8 a channel that is removed under a reader is a gap, and the stream goes on', async () => {
    const { publish, open, relay, channel } = await create();
    await publish(eventOf('1'));
    const stream = await open('?after=earliest');
    expect(await stream.ids(1)).toEqual(['1']);
    expect((await relay.fetch(`${relay.url}/v1/channels/${channel}`, { method: 'DELETE' })).status).toBe(204);
    expect(await stream.control('gap')).toMatchObject({ channel, missed: null, reason: 'epoch' });
    await publish(eventOf('1'));
    expect(await stream.ids(1)).toEqual(['1']);
  });

  test('2.8 so it is beside other channels, on a socket, and for who waits for a page', async () => {
    const { publish, open, connect, get, path, relay, channel, stat } = await create();
    const [first] = await publish(eventOf('1'));
    const stream = await open(`?channel=${channel}@earliest&channel=${channel}:2`, {}, '/v1/events');
    const socket = await connect('?after=earliest');
    expect([await stream.ids(1), await socket.ids(1)]).toEqual([['1'], ['1']]);
    const poll = get(`${path}?after=${first?.offset}&wait=20`);
    await expect.poll(async () => (await stat())['subscribers']).toBe(2);
    expect((await relay.fetch(`${relay.url}/v1/channels/${channel}`, { method: 'DELETE' })).status).toBe(204);
    const gap = { channel, missed: null, reason: 'epoch' };
    expect(await stream.control('gap')).toMatchObject(gap);
    expect((await socket.message('gap')).data).toMatchObject(gap);
    const told = await poll;
    expect([told.status, told.headers.get('godwit-gap'), told.headers.get('godwit-missed')]).toEqual([
      200,
      'epoch',
      null,
    ]);
    expect(await told.json()).toEqual([]);
    const [anew] = await publish(eventOf('1'));
    expect([await stream.ids(1), await socket.ids(1)]).toEqual([['1'], ['1']]);
    const next = await get(`${path}?after=${told.headers.get('godwit-next-offset')}`);
    expect([await next.json(), next.headers.get('godwit-gap')]).toMatchObject([[{ id: '1' }], null]);
    expect(next.headers.get('godwit-next-offset')).toBe(anew?.offset);
  });

  test('2.9 a reader that takes what comes loses no ephemeral event, however many come at once', async () => {
    const { publish, open, stat } = await create();
    const stream = await open();
    await stream.control('connected');
    const many = ids(1, 600);
    const [taken] = await Promise.all([
      stream.ids(many.length),
      publish(...many.map((id) => eventOf(id, { ephemeral: true }))),
    ]);
    expect(taken).toEqual(many);
    expect((await stat())['dropped']).toEqual({});
  });

  test('2.9 a reader too slow for ephemeral events is told how many it lost, and loses no durable one', async () => {
    const { publish, open, stat, channel } = await create();
    const stream = await open();
    await stream.control('connected');
    const data = 'x'.repeat(100_000);
    let sent = 0;
    let lost = 0;
    while (lost === 0 && sent < 1000) {
      await publish(...ids(1, 9).map((id) => eventOf(`e${id}`, { ephemeral: true, data })));
      sent += 1;
      lost = ((await stat())['dropped'] as Record<string, number>)['overflow'] ??= 0;
    }
    expect(lost).toBeGreaterThan(0);
    await publish(...ids(1, 10).map((id) => eventOf(id)));
    const durable: unknown[] = [];
    let told = {};
    while (durable.length < 10) {
      const { event, id, data } = (await stream.next()) ?? {};
      if (event === 'dropped') told = data ?? {};
      if (event === undefined && id !== undefined) durable.push(data?.['id']);
    }
    expect(durable).toEqual(ids(1, 10));
    if (Object.keys(told).length === 0) told = await stream.control('dropped');
    expect(told).toEqual({ channel, dropped: { overflow: lost } });
  });

  test('2.10 a silent stream has a heartbeat, which moves a reader on past what its filter hid', async () => {
    const { publish, open } = await create({ limits: { heartbeatMs: 200 } });
    const stream = await open('?type=order.*');
    await stream.control('connected');
    expect(await stream.heartbeat()).toEqual({ isComment: true });
    const [hidden] = await publish(eventOf('1'));
    // One more may have been on its way before the event was.
    let moved = await stream.heartbeat();
    while (!('id' in moved)) moved = await stream.heartbeat();
    expect(moved).toEqual({ id: hidden?.offset, isComment: true });
  });

  test('2.11 a relay that goes away says when to come back, and ends the stream', async () => {
    const { open, relay, path, get } = await create();
    if (relay.drain === undefined) return;
    const streams = [await open(), await open(`?channel=a&channel=b`, {}, '/v1/events')];
    await streams[0]?.control('connected');
    await streams[1]?.control('connected');
    const drained = relay.drain();
    for (const stream of streams) {
      const { retryAfterMs } = await stream.control('drain');
      expect([retryAfterMs, await stream.next()]).toEqual([expect.any(Number), undefined]);
      expect(Number.isInteger(retryAfterMs)).toBe(true);
    }
    await drained;
    if (relay.isBehindProxy === true) expect((await get(path)).status).toBe(502);
    else await expect(get(path)).rejects.toThrow();
  });

  test('2.12 a stream for which there is no room ends at once and says when to come back', async () => {
    const { open, get, path } = await create({ limits: { subscribersMax: 1 } });
    await (await open()).control('connected');
    const response = await get(path, { accept: 'text/event-stream' });
    expect(response.status).toBe(200);
    expect(await response.text()).toMatch(/^retry: \d+\n\nevent: drain\ndata: \{"retryAfterMs":\d+\}\n\n$/);
  });
}

/** An answer's bytes up to the end of the frame in which a text stands. */
async function bytesUntil(response: Response, text: string): Promise<Uint8Array<ArrayBuffer>> {
  const reader: ReadableStreamDefaultReader<Uint8Array> = (
    response.body ?? new ReadableStream<Uint8Array>()
  ).getReader();
  const bytes: number[] = [];
  let seen = '';
  while (!(seen.includes(text) && seen.endsWith('\n\n'))) {
    const { value } = await reader.read();
    if (value === undefined) break;
    bytes.push(...value);
    seen = new TextDecoder().decode(Uint8Array.from(bytes));
  }
  await reader.cancel();
  return Uint8Array.from(bytes);
}

/** What a reader has of the beginning of a stream: the ids of its events, and where it stands. */
async function understood(bytes: Uint8Array<ArrayBuffer>): Promise<{ begun: unknown[]; last: string }> {
  const frames = readFrames(new Response(bytes));
  const begun: unknown[] = [];
  let last = '';
  for (let frame = await frames.next(); frame !== undefined; frame = await frames.next()) {
    last = frame.id ?? last;
    if (frame.event === undefined) begun.push(frame.data?.['id']);
  }
  return { begun, last };
}

function offsetOf({ id }: SeenFrame): string {
  return id ?? '';
}
