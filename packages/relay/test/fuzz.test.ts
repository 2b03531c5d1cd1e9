// Whatever is sent: nothing crashes, nothing is stored in half, and every refusal has a name. Requests are made up at random.
import { once } from 'node:events';
import { connect } from 'node:net';
import * as fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { batchType, createRelayWorld, eventOf, eventType, type RelayUnderTest } from '../src/testing/index.ts';
import { start } from './relay.ts';

/** Runs in seconds, on a machine that does other things too. */
const runs = { numRuns: 60 };

/** What separates lines, headers and requests, and what ends text in other places. */
const hostile = fc.constantFrom(
  '\r',
  '\n',
  '\r\n',
  '\0',
  '\r\n\r\n',
  '\u0085',
  '\u2028',
  '\ud800',
  '\ufeff',
  ' ',
  ':',
  '',
);
const text = fc.array(fc.oneof(hostile, fc.string({ maxLength: 5 })), { maxLength: 6 }).map((parts) => parts.join(''));

async function create() {
  const world = await createRelayWorld(start);
  /** The relay goes on: what is sound is stored, once, and comes back. */
  const assertSound = async (): Promise<void> => {
    const id = `sound ${Math.random()}`;
    const [result] = await world.publish(eventOf(id));
    expect(result?.status).toBe('appended');
    expect((await world.relay.fetch(`${world.relay.url}/healthz`)).status).toBe(200);
  };
  return { ...world, assertSound };
}

test('an event of any attributes and data is stored as it is, or refused by name and not stored', async () => {
  const { post, page, stat, assertSound } = await create();
  const names = fc.oneof(
    fc.constantFrom('id', 'source', 'type', 'time', 'subject', 'datacontenttype', '__proto__'),
    text,
  );
  const values = fc.oneof(text, fc.jsonValue({ maxDepth: 3 }), fc.constantFrom(1e308, -0, '__proto__'));
  await fc.assert(
    fc.asyncProperty(fc.uuid(), fc.dictionary(names, values, { maxKeys: 4 }), fc.jsonValue(), async (id, its, data) => {
      const before = Number((await stat())['published']);
      // As text: an object literal's `__proto__` is its prototype, and JSON's is a key like another.
      const members = Object.entries({ specversion: '1.0', id, source: '/fuzz', type: 'a', data, ...its });
      const body = `{${members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join()}}`;
      const response = await post(eventType, body);
      const answer = (await response.json()) as { readonly name?: string };
      const stored = Number((await stat())['published']) - before;
      if (response.status === 200) expect(stored).toBeLessThanOrEqual(1);
      else expect([response.status, answer.name, stored]).toEqual([400, 'InvalidEvent', 0]);
    }),
    runs,
  );
  for (const event of await page()) expect(event['specversion']).toBe('1.0');
  expect(Object.prototype).not.toHaveProperty('x');
  await assertSound();
});

test('a body of any bytes is refused by name, and stores nothing', async () => {
  const { post, stat, assertSound } = await create();
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).filter((body) => Buffer.from(body).toString().trim() !== '[]'),
    // Sound but for bytes that no UTF-8 has: never used, overlong, a surrogate, a continuation without a beginning.
    fc
      .tuple(fc.constantFrom([0xff], [0xc0, 0xaf], [0xf5, 0x80, 0x80, 0x80], [0xed, 0xa0, 0x80], [0x80]), fc.nat(60))
      .map(([bad, at]) => {
        const sound = Buffer.from(JSON.stringify(eventOf('utf-8')));
        return Uint8Array.from(Buffer.concat([sound.subarray(0, at), Buffer.from(bad), sound.subarray(at)]));
      }),
  );
  await fc.assert(
    fc.asyncProperty(bytes, fc.constantFrom(eventType, batchType), async (body, type) => {
      const response = await post(type, body);
      expect([response.status, await response.json()]).toEqual([
        400,
        expect.objectContaining({ name: 'InvalidEvent' }),
      ]);
    }),
    runs,
  );
  expect(await stat()).toMatchObject({ published: 0 });
  await assertSound();
});

test.each([501, 1000, 20_000])('data nested %i levels deep is refused, wherever it stands', async (levels) => {
  const { post, page, assertSound } = await create();
  for (const [open, close] of [
    ['[', ']'],
    ['{"a":', '}'],
  ] as const) {
    const deep = `${open.repeat(levels)}1${close.repeat(levels)}`;
    const sound = '"specversion":"1.0","id":"1","source":"/a","type":"t"';
    for (const body of [`{${sound},"data":${deep}}`, `{${sound},"extension":${deep}}`, deep]) {
      const response = await post(eventType, body);
      expect([response.status, await response.json()]).toEqual([
        400,
        expect.objectContaining({ name: 'InvalidEvent' }),
      ]);
    }
    const batch = await post(batchType, `[{${sound},"data":${deep}}]`);
    expect([200, 400]).toContain(batch.status);
    expect(JSON.stringify(await batch.json())).toContain('InvalidEvent');
  }
  expect(await page()).toEqual([]);
  await assertSound();
});

test('a query of ten thousand channels, or of anything else, is refused by name and opens nothing', async () => {
  const { relay, assertSound, get, path } = await create();
  const many = Array.from({ length: 10_000 }, (_, index) => `channel=c${index}`).join('&');
  const answer = await exchange(relay, `GET /v1/events?${many} HTTP/1.1\r\nHost: x\r\n\r\n`);
  expect(answer).toMatch(/^HTTP\/1\.1 431 /);
  const hundredAndOne = Array.from({ length: 101 }, (_, index) => `channel=c${index}`).join('&');
  expect(await (await get(`/v1/events?${hundredAndOne}`)).json()).toMatchObject({ name: 'InvalidRequest' });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('after', 'limit', 'type', 'wait', 'filter', 'x'), text, async (name, value) => {
      const query = new URLSearchParams([[name, value.toWellFormed()]]);
      if (name === 'wait' && /^\d/.test(value)) return;
      const response = await get(`${path}?${query.toString()}`);
      expect([200, 400]).toContain(response.status);
      if (response.status === 400) expect((await response.json()) as object).toHaveProperty('name');
      else await response.body?.cancel();
    }),
    runs,
  );
  const stats = (await (await get('/v1/stats')).json()) as { readonly subscribers: number };
  expect(stats.subscribers).toBe(0);
  await assertSound();
});

test('smuggled requests, and bytes where a request should be, never become a second request', async () => {
  const { relay, path, page, assertSound } = await create();
  const inner = JSON.stringify(eventOf('smuggled'));
  const smuggled = `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: ${eventType}\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`;
  const outer = `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: ${eventType}\r\n`;
  for (const headers of [
    `Content-Length: 0\r\nContent-Length: ${smuggled.length}\r\n`,
    `Content-Length: ${smuggled.length}\r\nTransfer-Encoding: chunked\r\n`,
    'Transfer-Encoding: chunked\r\nContent-Length: 3\r\n',
    `Transfer-Encoding: xchunked\r\n`,
    `Transfer-Encoding: chunked, identity\r\n`,
    `Transfer-Encoding : chunked\r\n`,
    `Transfer-Encoding:\u000bchunked\r\n`,
    `Content-Length: +${smuggled.length}\r\n`,
    `Content-Length: 0x10\r\n`,
    `X: a\rContent-Length: 0\r\n`,
    `X: a\nTransfer-Encoding: chunked\r\n`,
    `X: a\0b\r\n Content-Length: 0\r\n`,
  ]) {
    const answer = await exchange(relay, `${outer}${headers}\r\n${smuggled}`);
    expect([headers, answer]).toEqual([headers, expect.stringMatching(/^HTTP\/1\.1 4\d\d /)]);
    expect([headers, answer.match(/HTTP\/1\.1 200/g)]).toEqual([headers, null]);
  }
  await fc.assert(
    fc.asyncProperty(text, fc.uint8Array({ maxLength: 60 }), async (name, bytes) => {
      const head = `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-${name}: `;
      const answer = await exchange(
        relay,
        Buffer.concat([Buffer.from(head, 'latin1'), bytes, Buffer.from('\r\n\r\n')]),
      );
      expect(answer === '' || /^HTTP\/1\.1 [24]\d\d /.test(answer), JSON.stringify(answer.slice(0, 200))).toBe(true);
    }),
    runs,
  );
  expect(await page()).toEqual([]);
  await assertSound();
});

test('a token of any text lets nobody in', async () => {
  const world = await createRelayWorld(start, { secured: true });
  const part = fc.oneof(
    fc.constantFrom(
      '',
      'e30',
      btoa('{"alg":"none"}'),
      btoa('{"alg":"HS256"}'),
      btoa('{"subscribe":["*"]}'),
      '__proto__',
    ),
    fc.base64String({ maxLength: 40 }),
    fc.string({ maxLength: 20 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 5 }), async (parts) => {
      const token = parts.join('.').replaceAll(/[^\x21-\x7e]/g, '~');
      const response = await world.get(world.path, { authorization: `Bearer ${token}` });
      expect([token, response.status]).toEqual([token, 401]);
      expect(await response.json()).toMatchObject({ name: 'Unauthenticated' });
    }),
    runs,
  );
});

async function exchange({ url }: RelayUnderTest, request: string | Uint8Array): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  let answer = '';
  socket.setEncoding('latin1').on('data', (chunk) => (answer += String(chunk)));
  socket.on('error', () => undefined);
  socket.end(typeof request === 'string' ? Buffer.from(request, 'latin1') : request);
  await once(socket, 'close');
  return answer;
}
