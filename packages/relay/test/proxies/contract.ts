// What the page on reverse proxies promises, shown behind each of them: all of PROTOCOL.md, and what proxies are known to spoil.
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { eventOf, eventType, ids, readFrames, relayContract, type FrameReader } from '../../src/testing/index.ts';
import { runRelay, type RelayProcess } from '../command.ts';
import { freePort } from '../mqtt/broker.ts';
import { folder, start } from '../relay.ts';
import type { Proxy, StartProxy } from './proxy.ts';

/** A relay's process that can be started again at its port, behind a proxy. */
interface Site {
  readonly url: string;
  boot(): Promise<RelayProcess>;
  publish(...ids: readonly string[]): Promise<Response>;
  read(after?: string): Promise<FrameReader>;
}

/** Everything. */
export function proxyContract(name: string, startProxy: StartProxy): void {
  relayContract(`behind ${name}`, async (options) => {
    const relay = await start(options);
    const proxy = await startProxy(Number(new URL(relay.url).port));
    return {
      ...relay,
      url: proxy.url,
      isBehindProxy: true,
      async close() {
        await relay.close();
        await proxy.stop();
      },
    };
  });

  test('each event comes through at once, and a reader that leaves is noticed', async () => {
    const { url, boot, publish, read } = await create();
    await boot();
    const stream = await read();
    await stream.control('connected');
    // Small, and one by one: a proxy that gathers would keep the first until there are more.
    for (const id of ids(1, 20)) {
      await publish(id);
      expect(await stream.ids(1)).toEqual([id]);
    }
    await stream.cancel();
    const stat = async (): Promise<unknown> => (await fetch(`${url}/v1/channels/room`)).json();
    await expect.poll(stat).toMatchObject({ subscribers: 0 });
  });

  test('a socket is one, and both sides hear its end', async () => {
    const { url, boot, publish } = await create();
    const relay = await boot();
    const socket = new WebSocket(`${url}/v1/channels/room/socket`, ['godwit.v1']);
    const messages: string[] = [];
    socket.on('message', (data: Buffer) => messages.push(data.toString()));
    await once(socket, 'open');
    expect(socket.protocol).toBe('godwit.v1');
    await publish('1');
    await expect.poll(() => messages.join()).toContain('"id":"1"');
    relay.child.kill('SIGTERM');
    const [code]: unknown[] = await once(socket, 'close');
    expect([code, messages.at(-1)]).toEqual([1012, expect.stringContaining('"event":"drain"')]);
  });

  test('what is too large is refused, however large, and nothing of it is stored', async () => {
    const { url, boot } = await create();
    await boot();
    for (const bytes of [1_100_000, 1_900_000, 5_000_000]) {
      const body = JSON.stringify(eventOf('1', { data: 'x'.repeat(bytes) }));
      const headers = { 'content-type': eventType };
      const answer = await fetch(`${url}/v1/channels/room/events`, { method: 'POST', headers, body });
      expect([bytes, answer.status]).toEqual([bytes, 413]);
      await answer.text();
    }
    expect(await (await fetch(`${url}/v1/channels/room/events?after=earliest`)).json()).toEqual([]);
  });

  test('a hundred channels of the longest names, each with an offset, are read on one connection', async () => {
    const { url, boot, publish } = await create();
    await boot();
    const answer = (await (await publish('1')).json()) as { readonly results: readonly { readonly offset: string }[] };
    const query = new URLSearchParams();
    for (let index = 0; index < 100; index += 1) {
      query.append('channel', `${`${index}`.padEnd(128, ':')}@${answer.results[0]?.offset ?? ''}`);
    }
    const response = await fetch(`${url}/v1/events?${query.toString()}`);
    expect(response.status).toBe(200);
    const stream = readFrames(response);
    for (let index = 0; index < 100; index += 1) await stream.control('connected');
    await stream.cancel();
  });

  test.each(['SIGTERM', 'SIGKILL'] as const)(
    'a relay that is ended by %s and started again is found again, and its readers miss nothing',
    async (signal) => {
      const { boot, publish, read } = await create();
      const relay = await boot();
      const stream = await read();
      await publish('1');
      const [seen] = await stream.events(1);
      relay.child.kill(signal);
      await relay.ended;
      if (signal === 'SIGTERM') await stream.control('drain');
      // Its end is told, and not waited for: cut off in mid-answer, or behind the last frame.
      await expect(stream.control('never')).rejects.toThrow();
      // A proxy's word is none of the relay's: who publishes keeps what it has, and tries again.
      const meanwhile = await publish('2');
      expect(meanwhile.status).toBeGreaterThanOrEqual(500);
      expect(meanwhile.headers.get('content-type') ?? '').not.toContain('problem+json');
      await meanwhile.text();
      await boot();
      await expect.poll(async () => (await publish('2', '3')).status).toBe(200);
      const again = await read(seen?.id);
      expect(await again.ids(2)).toEqual(['2', '3']);
      await again.cancel();
    },
  );

  async function create(): Promise<Site> {
    const [port, data] = [await freePort(), await folder()];
    const proxy: Proxy = await startProxy(port);
    onTestFinished(() => proxy.stop());
    const path = `${proxy.url}/v1/channels/room/events`;
    return {
      url: proxy.url,
      async boot() {
        const relay = runRelay('--port', String(port), '--data', data, '--insecure', '--durability', 'os');
        await relay.ready;
        return relay;
      },
      publish: (...its) => {
        const headers = { 'content-type': 'application/cloudevents-batch+json' };
        return fetch(path, { method: 'POST', headers, body: JSON.stringify(its.map((id) => eventOf(id))) });
      },
      read: async (after = 'latest') =>
        readFrames(await fetch(`${path}?after=${after}`, { headers: { accept: 'text/event-stream' } })),
    };
  }
}
