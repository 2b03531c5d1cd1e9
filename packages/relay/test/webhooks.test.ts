// PROTOCOL.md, rule 7, where it is of Node: webhooks outlive the process; and where an app has none.
import { expect, onTestFinished, test } from 'vitest';
import { createTestApp } from '../src/routes/test/app.ts';
import { createRelayWorld, eventOf, webhooksOf } from '../src/testing/index.ts';
import { folder, start } from './relay.ts';

test('7.10 what was not acknowledged is sent by the next process, and what was is not', async () => {
  const data = await folder();
  const first = await createRelayWorld((its) => start(its, { data, allowPrivateWebhooks: true }));
  const { register, receive, numbers } = webhooksOf(first);
  let status = 500;
  const { url, idsOf } = await receive(({ event }) => ({ status: event.id === '1' ? 200 : status }));
  const { id } = await register(url);
  await first.publish(eventOf('1'), eventOf('2'));
  await expect.poll(() => numbers(id)).toMatchObject({ delivered: 1, waiting: 1 });
  await first.relay.close();
  status = 200;
  const second = await startRelayAgain(data);
  const look = async () => (await fetch(`${second}/v1/channels/${first.channel}/webhooks/${id}`)).json();
  // The row waits for its time, which is not now.
  expect(await look()).toMatchObject({ delivered: 1, waiting: 1, failed: 1 });
  await fetch(`${second}/v1/channels/${first.channel}/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/cloudevents+json' },
    body: JSON.stringify(eventOf('3')),
  });
  await expect.poll(look).toMatchObject({ delivered: 2, waiting: 1 });
  expect(idsOf()).toEqual(['1', '2', '3']);
});

test('7.13 an app that was put together without webhooks says so by name', async () => {
  const { get } = createTestApp();
  const response = await get('/v1/channels/room/webhooks');
  expect(response.status).toBe(501);
  expect(await response.json()).toMatchObject({ name: 'Unsupported' });
});

async function startRelayAgain(data: string): Promise<string> {
  const again = await start({}, { data, allowPrivateWebhooks: true });
  onTestFinished(() => again.close());
  return again.url;
}
