// Sockets on Node: frames that nobody means well with, clients that take nothing, and those that are no more.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import * as fc from 'fast-check';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createRelayWorld, eventOf, ids, type RelayStart, type RelayWorld } from '../src/testing/index.ts';
import { start } from './relay.ts';

/** What is asked again until it is so, on machines that do other things too. */
const soon = (ask: () => Promise<unknown>) => expect.poll(ask);

const create = (options?: RelayStart) => createRelayWorld(start, options);

/** RFC 6455, section 5.2. */
const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

test('whatever text comes, it is answered by name, nothing of it is stored, and the socket goes on', async () => {
  const world = await create();
  const socket = await world.connect();
  const member = fc.constantFrom('event', 'ref', 'data', '__proto__', 'constructor', 'publish', 'ping', 'id', 'source');
  const hostile = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc.dictionary(member, fc.oneof(member, fc.jsonValue(), fc.double())).map((value) => JSON.stringify(value)),
    fc.jsonValue().map((data) => JSON.stringify({ event: 'publish', ref: 1, data })),
    fc.integer({ min: 1, max: 100_000 }).map((depth) => `{"event":"publish","data":${'['.repeat(depth)}`),
    fc
      .integer({ min: 1, max: 50_000 })
      .map((depth) => `{"event":"publish","data":[${'['.repeat(depth)}${']'.repeat(depth)}]}`),
    fc.constant('{"event":"publish","ref":1e400,"data":{"specversion":"1.0","id":"1","source":"/a","type":"t"}}'),
    fc.constant('{"__proto__":{"event":"publish","data":{"specversion":"1.0","id":"1","source":"/a","type":"t"}}}'),
  );
  await fc.assert(
    fc.asyncProperty(hostile, async (text) => {
      socket.send(text);
      const answer = await socket.next();
      const kind = answer?.['event'] === 'connected' ? (await socket.next())?.['event'] : answer?.['event'];
      expect(['failure', 'results', 'pong']).toContain(kind);
    }),
    { numRuns: 100 },
  );
  expect(await world.page()).toEqual([]);
  socket.say({ event: 'publish', data: eventOf('1') });
  expect(await socket.ids(1)).toEqual(['1']);
});

test('whatever bytes come behind a handshake, the relay ends that socket at most, and serves the others', async () => {
  const world = await create();
  const other = await world.connect();
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 2, maxLength: 300 }), async (bytes) => {
      const socket = await shake(world);
      socket.end(bytes);
      await once(socket, 'close');
    }),
    { numRuns: 60 },
  );
  expect(await world.page()).toEqual([]);
  await world.publish(eventOf('1'));
  expect(await other.ids(1)).toEqual(['1']);
  await soon(async () => (await world.stat())['subscribers']).toBe(1);
});

test('text that is not UTF-8 ends the socket, and frames that break the protocol do', async () => {
  const world = await create();
  const cases: readonly (readonly [number, Buffer])[] = [
    [1007, frame(opcodes.text, Buffer.from([0x22, 0xff, 0xfe, 0x22]))],
    // A lone surrogate, and an overlong slash.
    [1007, frame(opcodes.text, Buffer.from([0xed, 0xa0, 0x80]))],
    [1007, frame(opcodes.text, Buffer.from([0xc0, 0xaf]))],
    [1003, frame(opcodes.binary, Buffer.from('{"event":"ping"}'))],
    // Not masked, reserved bits, an opcode that is none, a continuation of nothing, a ping of 126 bytes.
    [1002, Buffer.from([0x81, 0x02, 0x7b, 0x7d])],
    [1002, frame(opcodes.text, Buffer.from('{}'), { reserved: true })],
    [1002, frame(3, Buffer.alloc(0))],
    [1002, frame(opcodes.continuation, Buffer.from('{}'))],
    [1002, frame(opcodes.ping, Buffer.alloc(126))],
    // A length of 2^53 and more, of which nothing ever comes.
    [1009, Buffer.from([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])],
  ];
  for (const [code, bytes] of cases) {
    const socket = await shake(world);
    socket.write(bytes);
    expect([bytes.toString('hex').slice(0, 40), await closeCode(socket)]).toEqual([
      bytes.toString('hex').slice(0, 40),
      code,
    ]);
  }
  expect(await world.page()).toEqual([]);
});

test('a message in fragments of one byte each, with pings between them, is one message', async () => {
  const world = await create();
  const socket = await shake(world);
  const text = Buffer.from(JSON.stringify({ event: 'publish', data: eventOf('ä🦩') }));
  for (const [index, byte] of text.entries()) {
    const opcode = index === 0 ? opcodes.text : opcodes.continuation;
    socket.write(frame(opcode, Buffer.from([byte]), { more: index < text.length - 1 }));
    if (index % 10 === 0) socket.write(frame(opcodes.ping, Buffer.from('p')));
  }
  await soon(async () => (await world.page()).map(({ id }) => id)).toEqual(['ä🦩']);
});

test('fragments that would never end are cut off at the bound of one message', async () => {
  const world = await create({ limits: { batchBytesMax: 10_000 } });
  const socket = await shake(world);
  socket.write(frame(opcodes.text, Buffer.alloc(6000, 0x20), { more: true }));
  socket.write(frame(opcodes.continuation, Buffer.alloc(6000, 0x20), { more: true }));
  expect(await closeCode(socket)).toBe(1009);
});

test('a socket that takes nothing costs a number: what it misses waits in the log, and others have it at once', async () => {
  const world = await create();
  const [slow, quick] = [await shake(world), await world.connect('?after=earliest')];
  slow.pause();
  const data = 'x'.repeat(10_000);
  for (let round = 0; round < 40; round += 1) {
    await world.publish(...ids(1, 50).map((id) => eventOf(`${round}:${id}`, { data })));
  }
  expect(await quick.ids(2000)).toHaveLength(2000);
  // The reading stands: the log holds for it what its connection has not taken, and nothing else does.
  const { queueDepth } = await world.stat();
  expect(queueDepth).toBeGreaterThan(1000);
  slow.resume();
  await soon(async () => (await world.stat())['queueDepth']).toBe(0);
});

test('a client that asks without end and takes no answers is let go', async () => {
  const world = await create();
  const socket = await shake(world);
  socket.pause();
  const pings = Buffer.concat(
    Array.from({ length: 2000 }, () => frame(opcodes.text, Buffer.from('{"event":"nothing"}'))),
  );
  const gone = once(socket, 'close');
  const subscribers = async (): Promise<unknown> => (await world.stat())['subscribers'];
  while ((await subscribers()) !== 0) {
    if (!socket.destroyed) await Promise.race([new Promise((done) => socket.write(pings, done)), gone]);
  }
  expect(await subscribers()).toBe(0);
});

test('a client that is no more is noticed, and leaves no reader behind', async () => {
  const world = await create({ limits: { heartbeatMs: 100 } });
  // It takes what comes, and answers no ping: as one whose network has gone would.
  const socket = await shake(world);
  socket.resume();
  await soon(async () => (await world.stat())['subscribers']).toBe(1);
  await once(socket, 'close');
  await soon(async () => (await world.stat())['subscribers']).toBe(0);
});

test('a client that has answered is not let go where the relay itself was held up, and reads that late', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const world = await create({ limits: { heartbeatMs: 1000 } });
  const socket = await shake(world);
  // A beat comes before what the system holds for the relay is read: as where all of the process stood still until then.
  const beat = (): void => void vi.advanceTimersByTime(1000);
  beat();
  for (let beats = 0; beats < 3; beats += 1) {
    await pinged(socket);
    socket.write(frame(opcodes.pong, Buffer.alloc(0)));
    await new Promise((resolve) => setImmediate(resolve));
    beat();
  }
  expect(await world.stat()).toMatchObject({ subscribers: 1 });
  vi.useRealTimers();
});

test('a client that has much to take before it sees a ping is not let go for that', async () => {
  const world = await create({ limits: { heartbeatMs: 500 } });
  const data = 'x'.repeat(50_000);
  await world.publish(...ids(1, 20).map((id) => eventOf(id, { data })));
  // Whatever ping it is sent stands behind all of that, and it answers none.
  const slow = await shake(world, '?after=earliest');
  slow.pause();
  // Its connection has taken all of it, and only its end has not.
  await soon(async () => (await world.stat())['queueDepth']).toBe(0);
  // On a stream nobody is asked for an answer, which would be late where this process stalls.
  const beats = await world.open();
  for (let beat = 0; beat < 3; beat += 1) await beats.heartbeat();
  expect(await world.stat()).toMatchObject({ subscribers: 2 });
  let text = '';
  slow.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  slow.resume();
  await soon(async () => text.includes('"id":"20"')).toBe(true);
});

test('a relay that goes away answers what a socket has published, and then ends it', async () => {
  const world = await create();
  const socket = await world.connect();
  for (const id of ids(1, 50)) socket.say({ event: 'publish', ref: Number(id), data: eventOf(id) });
  // The first is answered: the others have come.
  await socket.message('results');
  const drained = world.relay.drain?.();
  const answers: unknown[] = [];
  for (let message = await socket.next(); message !== undefined; message = await socket.next()) {
    if (message['ref'] !== undefined) answers.push(message['ref']);
  }
  expect(answers).toEqual(Array.from({ length: 49 }, (_, index) => index + 2));
  expect((await socket.ended).code).toBe(1012);
  await drained;
});

test('a handshake that is none is answered, and another upgrade is passed over', async () => {
  const world = await create();
  const path = `/v1/channels/${world.channel}/socket`;
  const ask = async (...lines: readonly string[]): Promise<string> => {
    const socket = await open(world);
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    await once(socket, 'close');
    return answer;
  };
  const upgrade = ['Connection: Upgrade, close', 'Upgrade: websocket'];
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
  const version = 'Sec-WebSocket-Version: 13';
  const [none, close] = [
    /^HTTP\/1\.1 426 [^]*sec-websocket-version: 13[^]*"name":"InvalidRequest"/i,
    'Connection: close',
  ];
  expect(await ask(`GET ${path} HTTP/1.1`, 'Host: x', ...upgrade, version)).toMatch(none);
  expect(await ask(`GET ${path} HTTP/1.1`, 'Host: x', ...upgrade, key, 'Sec-WebSocket-Version: 7')).toMatch(none);
  // Without the connection's own word for it, nothing is upgraded (RFC 9110, section 7.8).
  expect(await ask(`GET ${path} HTTP/1.1`, 'Host: x', close, 'Upgrade: websocket', key, version)).toMatch(none);
  expect(await ask(`POST ${path} HTTP/1.1`, 'Host: x', ...upgrade, key, version)).toMatch(/^HTTP\/1\.1 405 /);
  expect(await ask(`GET ${path} HTTP/1.1`, ...upgrade, key, version)).toMatch(/^HTTP\/1\.1 400 /);
  expect(await ask('GET /nothing HTTP/1.1', 'Host: x', ...upgrade, key, version)).toMatch(/^HTTP\/1\.1 404 /);
  expect(await ask('GET /healthz HTTP/1.1', 'Host: x', ...upgrade, key, version)).toMatch(/^HTTP\/1\.1 200 /);
  expect(await ask('GET /healthz HTTP/1.1', 'Host: x', 'Connection: Upgrade, close', 'Upgrade: h2c')).toMatch(
    /^HTTP\/1\.1 200 /,
  );
});

test('a thousand sockets are told the same', async () => {
  const world = await create();
  const sockets = await Promise.all(ids(1, 1000).map(() => world.connect()));
  for (const socket of sockets) await socket.message('connected');
  await world.publish(...ids(1, 3).map((id) => eventOf(id)));
  for (const socket of sockets) expect(await socket.ids(3)).toEqual(ids(1, 3));
  expect(await world.stat()).toMatchObject({ subscribers: 1000, delivered: 3000 });
});

async function open({ relay }: Pick<RelayWorld, 'relay'>): Promise<Socket> {
  const { hostname, port } = new URL(relay.url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** A connection just behind its handshake, on which anything may be written. */
async function shake(world: RelayWorld, query = ''): Promise<Socket> {
  const socket = await open(world);
  const lines = ['Host: x', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
  const key = Buffer.alloc(16).toString('base64');
  const path = `/v1/channels/${world.channel}/socket${query}`;
  socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\nSec-WebSocket-Key: ${key}\r\n\r\n`);
  let answer = '';
  while (!answer.includes('"connected"')) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    answer += chunk.toString('latin1');
  }
  return socket;
}

/** Waits for a ping without a body, and for nothing behind it. */
async function pinged(socket: Socket): Promise<void> {
  for (;;) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    if (chunk.includes(Buffer.of(0x80 | opcodes.ping, 0))) return;
  }
}

/** A client's frame, masked by nothing but zeros. */
function frame(
  opcode: number,
  body: Buffer,
  how: { readonly more?: boolean; readonly reserved?: boolean } = {},
): Buffer {
  const first = (how.more === true ? 0 : 0x80) | (how.reserved === true ? 0x40 : 0) | opcode;
  const length = body.length < 126 ? [0x80 | body.length] : [0x80 | 126, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([first, ...length, 0, 0, 0, 0]), body]);
}

/** The code with which the relay ends a socket. */
async function closeCode(socket: Socket): Promise<number> {
  let bytes = Buffer.alloc(0);
  return await new Promise((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      const at = bytes.indexOf(0x80 | opcodes.close);
      if (at >= 0 && bytes.length >= at + 4) resolve(bytes.readUInt16BE(at + 2));
    });
    socket.once('close', () => reject(new Error(`it ended without a code, behind ${bytes.toString('hex')}`)));
  });
}
