// A plain post is answered without a look at the routes, and its bytes are read as Node brings them: what it says is the same.
import { once } from 'node:events';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { batchType, createRelayWorld, eventOf, eventType, type RelayWorld } from '../src/testing/index.ts';
import { start } from './relay.ts';

const binary = { 'ce-specversion': '1.0', 'ce-id': 'b', 'ce-source': '/alice', 'ce-type': 'todo.added' };

type Sent = Parameters<RelayWorld['post']>;
type Made = readonly [what: string, type: Sent[0], body: Sent[1], headers?: Record<string, string>];

const sound: readonly Made[] = [
  ['an event', eventType, eventOf('1')],
  ['a duplicate', eventType, eventOf('1')],
  ['an event with a parameter', `${eventType}; charset=utf-8`, eventOf('ä🦩')],
  ['an ephemeral event', eventType, eventOf('e', { ephemeral: true })],
  ['a batch', batchType, [eventOf('2'), eventOf('1'), { id: 'x' }]],
  ['an empty batch', batchType, []],
  ['an event of headers', 'text/plain', 'data', binary],
  ['a large batch', batchType, Array.from({ length: 900 }, (_, n) => eventOf(`l${n}`, { data: 'x'.repeat(900) }))],
];
const refused: readonly Made[] = [
  ['no JSON', eventType, '{"specversion"'],
  ['no UTF-8', eventType, new Uint8Array([0xff])],
  ['nothing', eventType, ''],
  ['no event', eventType, { id: 1 }],
  ['a number that is not kept', eventType, '{"specversion":"1.0","data":12345678901234567890}'],
  ['another type', 'text/plain', 'x'],
  ['another charset', `${eventType}; charset=latin1`, eventOf('3')],
  ['a packed body', eventType, gzipSync('{}'), { 'content-encoding': 'gzip' }],
  ['too many bytes', batchType, `[${' '.repeat(1024 * 1024)}]`],
  ['a token that is none', eventType, eventOf('3'), { authorization: 'Bearer x' }],
  ['a token for another channel', eventType, eventOf('3'), { authorization: 'other' }],
  ['no token', eventType, eventOf('3'), { authorization: '' }],
];

test('whatever is posted is answered alike by the short way and through the routes', async () => {
  const { relay, post, token } = await createRelayWorld(start, { secured: true });
  const mine = `Bearer ${await token({ publish: ['short', 'route'], subscribe: ['*'] })}`;
  const other = `Bearer ${await token({ publish: ['other'] })}`;
  for (const [what, type, body, headers = {}] of [...sound, ...refused]) {
    const authorization = headers['authorization'] === 'other' ? other : (headers['authorization'] ?? mine);
    const ask = async (channel: string, query: string): Promise<unknown> => {
      const path = `/v1/channels/${channel}/events${query}`;
      const response = await post(type, body, { ...headers, authorization }, path);
      const its = Object.fromEntries([...response.headers].filter(([name]) => name !== 'date'));
      return { what, status: response.status, its, text: (await response.text()).replaceAll(channel, 'CHANNEL') };
    };
    // A query, which says nothing here, is the routes' to look at. The names are of one length: so are the answers.
    const [short, routed] = [await ask('short', ''), await ask('route', '?x')];
    expect(short).toEqual(routed);
  }
  const read = async (channel: string): Promise<string> => {
    const headers = { authorization: mine };
    const response = await relay.fetch(`${relay.url}/v1/channels/${channel}/events?after=earliest`, { headers });
    return (await response.text()).replaceAll(channel, 'CHANNEL');
  };
  const stored = await read('short');
  expect(stored).toContain('"id":"ä🦩"');
  expect(stored === (await read('route'))).toBe(true);
});

test('a post that comes in pieces is stored as it was sent', async () => {
  const { relay, channel, path, page } = await createRelayWorld(start);
  const event = eventOf('1', { data: 'ä🦩'.repeat(20) });
  const bytes = Buffer.from(JSON.stringify(event));
  const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: ${eventType}\r\nContent-Length: ${bytes.byteLength}\r\n\r\n`;
  const socket = connect(Number(new URL(relay.url).port), '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  const answer = once(socket, 'data');
  for (const byte of Buffer.concat([Buffer.from(head), bytes])) {
    await new Promise<void>((resolve) => socket.write(Uint8Array.of(byte), () => resolve()));
  }
  expect(String(await answer)).toContain('"appended"');
  expect(await page()).toMatchObject([{ ...event, channel }]);
});

test('a hook that keeps a clone of a post, and reads it later, leaves the post whole', async () => {
  const clones: Request[] = [];
  const authorize = (request: Request): boolean => {
    if (request.method === 'POST') clones.push(request.clone());
    return true;
  };
  const { publish, page } = await createRelayWorld(() => start({}, { authorize, insecure: false }));
  const event = eventOf('1', { data: 'x'.repeat(200_000) });
  await publish(event);
  expect(await page()).toMatchObject([event]);
  expect(await clones[0]?.json()).toEqual([event]);
});
