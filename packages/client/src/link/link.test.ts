import type { CloudEvent, Link } from '@godwit/core';
import { encodeControlFrame, encodeEventFrame, encodeHeartbeat, type Frame } from '@godwit/core/protocol';
import { createTestWorld, type TestWorld } from '@godwit/core/testing';
import { describe, expect, test } from 'vitest';
import { createFetchLink, type FetchLinkOptions } from './link.ts';
import { frameUnitsMax } from './frames.ts';

const event: CloudEvent = {
  specversion: '1.0',
  id: '1',
  source: 'urn:alice',
  type: 'note.added',
  data: { text: 'hi' },
};
const relayed = { ...event, channel: 'room', sequence: '0000000001' };
const never = new AbortController().signal;

describe('push', () => {
  test('asks with the batch, the token and nothing cached', async () => {
    const { link, asked } = linkTo(() => results(1), { token: async () => 'secret', credentials: 'include' });
    await link.push('room:1', [event], never);
    const [{ url, init }] = asked;
    expect(url).toBe('https://relay.example/base/v1/channels/room%3A1/events');
    expect(init).toMatchObject({
      method: 'POST',
      cache: 'no-store',
      credentials: 'include',
      body: JSON.stringify([event]),
    });
    expect(init.headers).toMatchObject({
      authorization: 'Bearer secret',
      'content-type': 'application/cloudevents-batch+json',
      accept: 'application/json',
    });
  });

  test('a refusal is the failure that it stands for, with how long to wait', async () => {
    const { link } = linkTo(() =>
      problem(429, { name: 'RateLimited', detail: 'slower, please' }, { 'retry-after': '7' }),
    );
    await expect(link.push('room', [event], never)).rejects.toMatchObject({
      name: 'RateLimited',
      message: 'slower, please',
      details: { retryAfterMs: 7000 },
    });
  });

  test('every status that is no relay\u2019s own is named by its number', async () => {
    for (const [status, name] of [
      [401, 'Unauthenticated'],
      [403, 'Forbidden'],
      [413, 'TooLarge'],
      [400, 'Unreachable'],
      [404, 'Unreachable'],
      [502, 'Unreachable'],
    ] as const) {
      const { link } = linkTo(
        () => new Response('<h1>a proxy</h1>', { status, headers: { 'content-type': 'text/html' } }),
      );
      await expect(link.push('room', [event], never)).rejects.toMatchObject({ name, details: { foreign: true } });
    }
  });

  test('a captive portal is no relay, and the failure quotes it', async () => {
    const { link } = linkTo(() => new Response('<html>Please log in', { headers: { 'content-type': 'text/html' } }));
    await expect(link.push('room', [event], never)).rejects.toMatchObject({
      name: 'Unreachable',
      message: expect.stringContaining('<html>Please log in'),
    });
  });

  test('an answer that has another number of results, or none, is not a relay\u2019s', async () => {
    for (const body of [
      '{"results":[]}',
      '{"results":"all fine"}',
      'null',
      '',
      '{"results":[{"id":"1","status":"lost"}]}',
    ]) {
      const { link } = linkTo(() => json(body));
      await expect(link.push('room', [event], never)).rejects.toMatchObject({ name: 'Unreachable' });
    }
  });

  test('a network that fails is a relay that cannot be reached', async () => {
    const { link } = linkTo(() => {
      throw new TypeError('fetch failed');
    });
    await expect(link.push('room', [event], never)).rejects.toMatchObject({
      name: 'Unreachable',
      message: 'the relay cannot be reached: fetch failed',
    });
  });

  test('an answer that never comes is given up after half a minute', async () => {
    const { link, world } = linkTo(({ init }) => untilAborted(init.signal));
    const rejected = expect(link.push('room', [event], never)).rejects.toMatchObject({
      name: 'Unreachable',
      message: expect.stringContaining('within 30 s'),
    });
    await world.advance(30_000);
    await rejected;
    expect(world.timers).toBe(0);
  });

  test('the token is asked for once, shared, and again when it is forgotten', async () => {
    let given = 0;
    const { link, asked } = linkTo(() => results(1), { token: () => `token ${(given += 1)}` });
    await Promise.all([link.push('a', [event], never), link.push('b', [event], never)]);
    link.renew();
    await link.push('c', [event], never);
    expect(asked.map(({ init }) => new Headers(init.headers).get('authorization'))).toEqual([
      'Bearer token 1',
      'Bearer token 1',
      'Bearer token 2',
    ]);
  });

  test('a token that says how long it is good is renewed just before, and one that does not, when it is forgotten', async () => {
    const jwt = (claims: object): string => `e30.${btoa(JSON.stringify(claims)).replaceAll('=', '')}.x`;
    // The issuer's clock is its own affair.
    for (const [token, atMs, asks] of [
      [jwt({ iat: 7, exp: 7 + 3600 }), 3_594_000, 1],
      [jwt({ iat: 7, exp: 7 + 3600 }), 3_596_000, 2],
      [jwt({ iat: 7, exp: 9 }), 900, 1],
      [jwt({ iat: 7, exp: 9 }), 1000, 2],
      [jwt({ exp: 9 }), 1e12, 1],
      [jwt({ iat: 9, exp: 7 }), 1e12, 1],
      [jwt({ iat: 'x', exp: {} }), 1e12, 1],
      ['opaque', 1e12, 1],
      ['a.b.c', 1e12, 1],
      ['e30.bnVsbA.x', 1e12, 1],
    ] as const) {
      let given = 0;
      const { link, world } = linkTo(() => results(1), {
        token() {
          given += 1;
          return token;
        },
      });
      await link.push('a', [event], never);
      await world.advance(atMs);
      await link.push('a', [event], never);
      expect([token, atMs, given]).toEqual([token, atMs, asks]);
    }
  });

  test('a token function that fails leaves us unauthenticated, and is asked again', async () => {
    let asked = 0;
    const { link } = linkTo(() => results(1), {
      token() {
        asked += 1;
        if (asked === 1) throw new Error('the session is over');
        return undefined;
      },
    });
    await expect(link.push('room', [event], never)).rejects.toMatchObject({
      name: 'Unauthenticated',
      message: 'the function `token` failed: the session is over',
    });
    await expect(link.push('room', [event], never)).resolves.toHaveLength(1);
  });

  test('a token function that never answers does not outlive the signal', async () => {
    const { link } = linkTo(() => results(1), { token: () => new Promise(() => undefined) });
    const aborting = new AbortController();
    const pushed = link.push('room', [event], aborting.signal);
    aborting.abort();
    await expect(pushed).rejects.toMatchObject({ name: 'Unreachable' });
  });
});

describe('pull', () => {
  test('asks for every channel behind its position, on one connection', async () => {
    const { link, asked } = linkTo(() => stream());
    await all(link, [
      ['a', 'earliest'],
      ['b', 'e1.0000000042'],
    ]);
    expect(asked.map(({ url }) => url)).toEqual([
      'https://relay.example/base/v1/events?channel=a%40earliest&channel=b%40e1.0000000042',
    ]);
    expect(asked[0]?.init).toMatchObject({ cache: 'no-store', headers: { accept: 'text/event-stream' } });
  });

  const written = [
    encodeControlFrame({ kind: 'connected', channel: 'room', head: 'e1.1', position: 'e1.0' }),
    encodeEventFrame(JSON.stringify({ ...relayed, data: { text: 'é\u{1f426}\r\n\u2028' } }), 'e1.1'),
    encodeHeartbeat(),
    encodeEventFrame(JSON.stringify({ ...relayed, id: '2', ephemeral: true }), null),
    encodeControlFrame({ kind: 'drain', retryAfterMs: 5 }),
  ].join('');
  const expected = [
    { kind: 'connected', channel: 'room' },
    { kind: 'event', offset: 'e1.1', event: { id: '1', data: { text: 'é\u{1f426}\r\n\u2028' } } },
    { kind: 'event', offset: null, event: { id: '2' } },
    { kind: 'drain', retryAfterMs: 5 },
  ];

  for (const [name, newline] of [
    ['LF', '\n'],
    ['CRLF', '\r\n'],
    ['CR', '\r'],
  ] as const) {
    test(`a stream with ${name}, cut at every byte, brings the same frames`, async () => {
      const bytes = new TextEncoder().encode(written.replaceAll('\n', newline));
      for (let cut = 0; cut <= bytes.length; cut += 1) {
        const { link } = linkTo(() => stream(bytes.slice(0, cut), bytes.slice(cut)));
        expect(framesOf(await all(link))).toMatchObject(expected);
      }
      const { link } = linkTo(() => stream(...Array.from(bytes, (byte) => Uint8Array.of(byte))));
      expect(framesOf(await all(link))).toMatchObject(expected);
    });
  }

  test('a byte order mark before the stream is no part of it', async () => {
    const { link } = linkTo(() => stream(Uint8Array.of(0xef, 0xbb, 0xbf), new TextEncoder().encode(written)));
    expect(framesOf(await all(link))).toMatchObject(expected);
  });

  test('a byte that was damaged on its way, wherever it is, ends the stream, and becomes part of nothing', async () => {
    const bytes = encode(written);
    for (let at = 0; at < bytes.length; at += 1) {
      const groups: (readonly Frame[])[] = [];
      const { link } = linkTo(() => stream(bytes.slice(0, at), bytes.slice(at).fill(0xff, 0, 1)));
      const reading = (async () => {
        for await (const group of link.pull(new Map([['room', 'latest']]), never)) groups.push(group);
      })();
      await expect(reading).rejects.toMatchObject({ name: 'Unreachable' });
      const frames = framesOf(groups);
      expect(frames).toMatchObject(expected.slice(0, frames.length));
    }
  });

  test('whatever arrives is a sign of life: a comment, or a part of a frame', async () => {
    const { link } = linkTo(() => stream(...[':\n\n', 'data: {', ': still here'].map(encode)));
    expect(await all(link)).toEqual([[{ kind: 'heartbeat' }], [{ kind: 'heartbeat' }], [{ kind: 'heartbeat' }]]);
  });

  test('frames arrive in groups, as they came', async () => {
    const two = encodeEventFrame(JSON.stringify(relayed), 'e1.1') + encodeEventFrame(JSON.stringify(relayed), 'e1.2');
    const { link } = linkTo(() => stream(encode(two), encode(two)));
    expect((await all(link)).map((group) => group.length)).toEqual([2, 2]);
  });

  test('lone surrogates that JSON has escaped arrive as they were', async () => {
    const { link } = linkTo(() =>
      stream(encode(encodeEventFrame(JSON.stringify({ ...relayed, data: '\ud800' }), 'e1.1'))),
    );
    expect(framesOf(await all(link))).toMatchObject([{ event: { data: '\ud800' } }]);
  });

  test('a control frame that is not known here is passed over, and one that lies is refused', async () => {
    const unknown = linkTo(() => stream(encode('event: weather\ndata: {"sun":true}\n\n')));
    expect(framesOf(await all(unknown.link))).toEqual([]);
    for (const text of ['event: gap\ndata: {}\n\n', 'data: not JSON\n\n', 'data: {"specversion":"1.0"}\n\n']) {
      const { link } = linkTo(() => stream(encode(text)));
      await expect(all(link)).rejects.toMatchObject({ name: 'InvalidEvent' });
    }
  });

  test('a frame that does not end is refused', async () => {
    const part = encode(`data: ${'x'.repeat(frameUnitsMax / 4)}`);
    const { link } = linkTo(() => stream(part, part, part, part, part));
    await expect(all(link)).rejects.toMatchObject({ name: 'TooLarge' });
  });

  test('a frame that was cut off by the stream\u2019s end is not delivered', async () => {
    const { link } = linkTo(() => stream(encode(written.slice(0, -1)).slice(0, 150)));
    expect(framesOf(await all(link))).toMatchObject([{ kind: 'connected' }]);
  });

  test('an answer that is no stream is no relay\u2019s, and a refusal is what it stands for', async () => {
    const portal = linkTo(() => new Response('<html>', { headers: { 'content-type': 'text/html; charset=utf-8' } }));
    await expect(all(portal.link)).rejects.toMatchObject({ name: 'Unreachable' });
    const forbidden = linkTo(() => problem(403, { name: 'Forbidden', detail: 'not this room' }));
    await expect(all(forbidden.link)).rejects.toMatchObject({ name: 'Forbidden', message: 'not this room' });
  });

  test('a connection that breaks is told, after what had arrived', async () => {
    const { link } = linkTo(() => stream(encode(encodeHeartbeat()), new TypeError('network error')));
    const groups = link.pull(new Map([['room', 'latest']]), never)[Symbol.asyncIterator]();
    expect(await groups.next()).toMatchObject({ value: [{ kind: 'heartbeat' }] });
    await expect(groups.next()).rejects.toMatchObject({
      name: 'Unreachable',
      message: expect.stringContaining('network error'),
    });
  });

  test('nothing is read before it is asked for', async () => {
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulled += 1;
          controller.enqueue(encode(encodeHeartbeat()));
        },
      },
      { highWaterMark: 0 },
    );
    const { link } = linkTo(() => new Response(body, { headers: { 'content-type': 'text/event-stream' } }));
    const groups = link.pull(new Map([['room', 'latest']]), never)[Symbol.asyncIterator]();
    await groups.next();
    await groups.next();
    expect(pulled).toBe(2);
    await groups.return?.();
  });

  test('a consumer that stops reading ends the request, and lets go of its body', async () => {
    let signal: AbortSignal | null | undefined;
    const cancelled = Promise.withResolvers<void>();
    const { link } = linkTo(({ init }) => {
      signal = init.signal;
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(encode(encodeHeartbeat())),
        cancel: () => cancelled.resolve(),
      });
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
    });
    for await (const _group of link.pull(new Map([['room', 'latest']]), never)) break;
    expect(signal?.aborted).toBe(true);
    await cancelled.promise;
  });
});

describe('pages, where no stream comes through', () => {
  const at = (sequence: number): string => `e1.${String(sequence).padStart(16, '0')}`;
  const paged = (sequence: number): object => ({
    ...event,
    id: `${sequence}`,
    channel: 'room',
    sequence: at(sequence).slice(3),
  });
  /** A proxy that holds every stream back, before a relay that has `pages` in turn; then it answers no more. */
  function behindAProxy(
    pages: readonly Response[],
    stream: (asked: Asked) => Response | Promise<Response> = ({ init }) => untilAborted(init.signal),
  ): ReturnType<typeof linkTo> {
    const left = [...pages];
    return linkTo((asked) => {
      if (asked.url.includes('/v1/events?')) return stream(asked);
      return left.shift() ?? untilAborted(asked.init.signal);
    });
  }
  const page = (events: readonly object[], next: string, headers: Record<string, string> = {}): Response =>
    new Response(JSON.stringify(events), {
      headers: {
        'content-type': 'application/json',
        'godwit-next-offset': next,
        'godwit-up-to-date': 'true',
        ...headers,
      },
    });

  test('when not a byte of a stream comes in ten seconds, pages are read on from there, and the relay holds them back for news', async () => {
    const { link, asked, world } = behindAProxy([page([paged(3)], at(3)), page([], at(3)), page([paged(4)], at(4))]);
    const groups = link.pull(new Map([['room', at(2)]]), never)[Symbol.asyncIterator]();
    const first = groups.next();
    await world.advance(10_000);
    expect((await first).value).toMatchObject([
      { kind: 'event', channel: 'room', offset: at(3), event: { id: '3' } },
      { kind: 'connected', channel: 'room', head: at(3), position: at(3) },
    ]);
    expect((await groups.next()).value).toEqual([{ kind: 'heartbeat' }]);
    expect((await groups.next()).value).toMatchObject([{ kind: 'event', offset: at(4) }]);
    expect(asked.slice(1).map(({ url }) => new URL(url).search)).toEqual([
      `?after=${at(2)}&wait=0`,
      `?after=${at(3)}&wait=20`,
      `?after=${at(3)}&wait=20`,
    ]);
    await groups.return?.();
  });

  test('a gap is told before what follows it, and the head once it is known', async () => {
    const { link, world } = behindAProxy([
      page([paged(7)], at(7), { 'godwit-gap': 'retention', 'godwit-missed': '4', 'godwit-up-to-date': 'false' }),
      page([], at(7)),
      page([], 'e2.0000000000000000', { 'godwit-gap': 'epoch' }),
    ]);
    const groups = link.pull(new Map([['room', at(2)]]), never)[Symbol.asyncIterator]();
    const first = groups.next();
    await world.advance(10_000);
    expect((await first).value).toMatchObject([
      { kind: 'gap', missed: 4, reason: 'retention', next: at(7), position: at(6) },
      { kind: 'event', offset: at(7) },
    ]);
    expect((await groups.next()).value).toMatchObject([{ kind: 'connected', head: at(7) }]);
    const epoch = 'e2.0000000000000000';
    expect((await groups.next()).value).toMatchObject([{ kind: 'gap', missed: null, next: epoch, position: epoch }]);
    await groups.return?.();
  });

  test('several channels are read in turns, a refused one is left out, and none holds a connection while it waits', async () => {
    const { link, asked, world } = linkTo(({ url, init }) => {
      if (url.includes('/v1/events?')) return untilAborted(init.signal);
      if (url.includes('secret')) return problem(403, { name: 'Forbidden', detail: 'not this one' });
      return page([], at(0));
    });
    const channels = new Map(['a', 'b', 'secret'].map((channel) => [channel, 'earliest']));
    const groups = link.pull(channels, never)[Symbol.asyncIterator]();
    const first = groups.next();
    await world.advance(10_000);
    expect((await first).value).toMatchObject([
      { kind: 'connected', channel: 'a' },
      { kind: 'connected', channel: 'b' },
      { kind: 'refused', channel: 'secret', name: 'Forbidden' },
    ]);
    const second = groups.next();
    await world.advance(1999);
    expect(asked).toHaveLength(4);
    await world.advance(1);
    expect((await second).value).toEqual([{ kind: 'heartbeat' }]);
    expect(asked.every(({ url }) => !url.includes('wait=20'))).toBe(true);
    await groups.return?.();
    expect(world.timers).toBe(0);
  });

  test('a stream is tried again after twenty seconds, from where the pages have come to, then twice as late each time, up to five minutes', async () => {
    let isHeldBack = true;
    const streamed: number[] = [];
    const { link, asked, world } = linkTo(({ url, init }) => {
      if (!url.includes('/v1/events?')) return page([], at(3));
      streamed.push(world.now());
      return isHeldBack ? untilAborted(init.signal) : stream(encode(encodeHeartbeat()));
    });
    const begin = (): AsyncIterator<unknown> => link.pull(new Map([['room', at(2)]]), never)[Symbol.asyncIterator]();
    /** Reads on until streams have been asked for so many times, or reading has ended. */
    async function untilAsked(groups: AsyncIterator<unknown>, times: number): Promise<void> {
      while (streamed.length < times) {
        const heard: IteratorResult<unknown>[] = [];
        void (async () => heard.push(await groups.next()))();
        while (heard.length === 0 && streamed.length < times) await world.advance(5000);
        if (heard[0]?.done === true) return;
      }
    }
    /** Between the streams, without the ten seconds that each is waited for, in seconds. */
    const pauses = (): readonly number[] =>
      streamed.slice(1).map((time, index) => (time - (streamed[index] ?? 0)) / 1000 - 10);

    await untilAsked(begin(), 8);
    expect(pauses()).toEqual([20, 40, 80, 160, 300, 300, 300]);
    expect(asked.at(-1)?.url).toContain(encodeURIComponent(`room@${at(3)}`));
    // One that comes makes the next that does not the first again.
    isHeldBack = false;
    await untilAsked(begin(), Infinity);
    isHeldBack = true;
    streamed.length = 0;
    await untilAsked(begin(), 2);
    expect(pauses()).toEqual([20]);
  });

  test('where pages do not come either, nothing does: the failure is told, and the next reading tries a stream again', async () => {
    const { link, asked, world } = linkTo(({ url, init }) => {
      if (url.includes('/v1/events?')) return untilAborted(init.signal);
      return new Response('<html>log in', { headers: { 'content-type': 'text/html' } });
    });
    const refused = expect(all(link)).rejects.toMatchObject({ name: 'Unreachable' });
    await world.advance(10_000);
    await refused;
    const again = expect(all(link)).rejects.toMatchObject({ name: 'Unreachable' });
    await world.advance(10_000);
    await again;
    expect(asked.filter(({ url }) => url.includes('/v1/events?'))).toHaveLength(2);
    expect(world.timers).toBe(0);
  });
});

interface Asked {
  readonly url: string;
  readonly init: RequestInit;
}

function linkTo(
  answer: (asked: Asked) => Response | Promise<Response>,
  options: Partial<FetchLinkOptions> = {},
): { readonly link: Link; readonly asked: [Asked, ...Asked[]]; readonly world: TestWorld } {
  const asked: Asked[] = [];
  const world = createTestWorld();
  const link = createFetchLink({
    relay: 'https://relay.example/base/',
    world,
    async fetch(url, init = {}) {
      if (typeof url !== 'string') throw new Error('the link asks with a string');
      asked.push({ url, init });
      return answer({ url, init });
    },
    ...options,
  });
  return { link, asked: asked as [Asked, ...Asked[]], world };
}

async function all(
  link: Link,
  positions: readonly (readonly [string, string])[] = [['room', 'earliest']],
): Promise<(readonly Frame[])[]> {
  const groups: (readonly Frame[])[] = [];
  for await (const group of link.pull(new Map(positions), never)) groups.push(group);
  return groups;
}

function framesOf(groups: readonly (readonly Frame[])[]): readonly Frame[] {
  return groups.flat().filter(({ kind }) => kind !== 'heartbeat');
}

function results(count: number): Response {
  return json(
    JSON.stringify({ results: Array.from({ length: count }, () => ({ id: '1', status: 'appended', offset: 'e1.1' })) }),
  );
}

function json(body: string): Response {
  return new Response(body, { headers: { 'content-type': 'application/json; charset=utf-8' } });
}

function problem(status: number, body: object, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/problem+json', ...headers },
  });
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A stream of these chunks; an error breaks it. */
function stream(...chunks: readonly (Uint8Array | Error)[]): Response {
  const left = [...chunks];
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const chunk = left.shift();
      if (chunk === undefined) controller.close();
      else if (chunk instanceof Error) controller.error(chunk);
      else controller.enqueue(chunk);
    },
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream; charset=utf-8' } });
}

function untilAborted(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')), { once: true });
  });
}
