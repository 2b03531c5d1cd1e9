// The end of a reading whose reader takes nothing: in a file of its own, since it stops the clock of whatever runs beside it.
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createRelayWorld, eventOf, ids } from '../src/testing/index.ts';
import { start } from './relay.ts';

test('a reading that is over lets go of a reader that takes nothing', async () => {
  const { publish, relay, path, stat } = await createRelayWorld(start);
  const { hostname, port } = new URL(relay.url);
  const stalled = connect(Number(port), hostname);
  onTestFinished(() => void stalled.destroy());
  await once(stalled, 'connect');
  stalled.on('error', () => undefined);
  stalled.write(`GET ${path}?ephemeral=disconnect HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n`);
  await once(stalled, 'readable');
  const data = 'x'.repeat(200_000);
  for (let id = 0; Number((await stat())['queueDepth']) < 20; id += 1) await publish(eventOf(String(id), { data }));
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  // One more than wait for a reader.
  await publish(...ids(1, 65).map((id) => eventOf(`e${id}`, { ephemeral: true })));
  expect(await stat()).toMatchObject({ subscribers: 0 });
  vi.advanceTimersByTime(15_000);
  vi.useRealTimers();
  let text = '';
  stalled.setEncoding('latin1').on('data', (chunk) => (text += String(chunk)));
  await once(stalled, 'close');
  // What the platform had taken for it, and not the last words behind that.
  expect([text.includes('"id":"0"'), text.includes('event: dropped')]).toEqual([true, false]);
});
