// Relays of a cluster behind real HTTP: together they are as one. That each keeps the whole protocol is shown on a real NATS server
// (`nats/relays.full.ts`).
import { expect, test } from 'vitest';
import { memoryCluster, publishTo, readOf } from './cluster.ts';
import { start } from './relay.ts';

test('what is published at one relay is read at the other, live and by the same offsets', async () => {
  const [one, two] = await startTwo();
  const reader = await readOf(two.url, 'room');
  await reader.control('connected');
  const offsets = [...(await publishTo(one.url, 'room', '1', '2')), ...(await publishTo(two.url, 'room', '3'))];
  expect((await reader.events(3)).map(({ id }) => id)).toEqual(offsets);
  await reader.cancel();
  // Whoever loses one relay goes on at the other, behind what it has had.
  for (const { url } of [one, two]) {
    const resumed = await readOf(url, 'room', `?after=${offsets[0]}`);
    expect(await resumed.ids(2)).toEqual(['2', '3']);
    await resumed.cancel();
  }
  expect(await publishTo(two.url, 'room', '1')).toEqual([offsets[0]]);
});

test('a reader that resumes at once where another relay has just stored something is told of no gap', async () => {
  const [one, two] = await startTwo();
  for (let index = 0; index < 50; index += 1) {
    const [offset] = await publishTo(one.url, 'room', `${index}`);
    const page = await fetch(`${two.url}/v1/channels/room/events?after=${offset}`);
    expect([page.headers.get('godwit-gap'), await page.json()]).toEqual([null, []]);
  }
});

test('a channel that one relay removes begins anew at the other, and its readers are told', async () => {
  const [one, two] = await startTwo();
  await publishTo(one.url, 'room', '1');
  const reader = await readOf(two.url, 'room');
  await reader.control('connected');
  expect((await fetch(`${one.url}/v1/channels/room`, { method: 'DELETE' })).status).toBe(204);
  expect(await reader.control('gap')).toMatchObject({ reason: 'epoch' });
  await publishTo(one.url, 'room', '1');
  expect(await reader.ids(1)).toEqual(['1']);
  await reader.cancel();
  const stats = (await (await fetch(`${two.url}/v1/stats`)).json()) as Record<string, unknown>;
  expect(JSON.stringify(stats)).toContain('"room"');
});

test('a webhook goes on with the next log where another relay has removed the one before', async () => {
  const cluster = memoryCluster();
  const one = await start({}, { cluster });
  const two = await start({ webhooksGoAnywhere: true }, { cluster });
  const delivered: unknown[] = [];
  const url = await two.receive(({ body }) => {
    delivered.push((JSON.parse(body) as { readonly id: unknown }).id);
    return { status: 204 };
  });
  const response = await fetch(`${two.url}/v1/channels/room/webhooks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ url }),
  });
  expect(response.status).toBe(201);
  await publishTo(one.url, 'room', '1');
  await expect.poll(() => delivered).toEqual(['1']);
  expect((await fetch(`${one.url}/v1/channels/room`, { method: 'DELETE' })).status).toBe(204);
  await publishTo(one.url, 'room', '2');
  await expect.poll(() => delivered).toEqual(['1', '2']);
});

test('a relay of a cluster makes no backup, and says who does', async () => {
  const [one] = await startTwo();
  const response = await fetch(`${one.url}/v1/backup`);
  expect(response.status).toBe(501);
  expect(await response.json()).toMatchObject({ name: 'Unsupported', detail: expect.stringContaining('of a cluster') });
});

async function startTwo() {
  const cluster = memoryCluster();
  return Promise.all([start({}, { cluster }), start({}, { cluster })]);
}
