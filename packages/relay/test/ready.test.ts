import { createTestLogger } from '@godwit/core/testing';
import { expect, test } from 'vitest';
import { createRelayWorld, eventOf, ids } from '../src/testing/index.ts';
import { start } from './relay.ts';

test('5.4 readyz says that the disk is full, in a sentence, until there is room again', async () => {
  const world = await createRelayWorld((options) =>
    start(options, { fileBytesMax: 1_000_000, logger: createTestLogger() }),
  );
  const { relay, channel, publish, get } = world;
  const chunk = (id: string): object => eventOf(id, { data: 'x'.repeat(200_000) });
  expect((await get('/readyz')).status).toBe(200);
  const filled = publish(...ids(1, 4).map(chunk)).then(() => publish(chunk('5'), chunk('6')));
  await expect(filled).rejects.toThrow('the disk is full');
  const refusal = await get('/readyz');
  expect([refusal.status, refusal.headers.get('retry-after')]).toEqual([503, '5']);
  expect(await refusal.json()).toMatchObject({
    name: 'StorageFailed',
    detail: expect.stringContaining('the disk is full; nothing was stored. Make room'),
  });
  expect((await get('/healthz')).status).toBe(200);
  await relay.fetch(`${relay.url}/v1/channels/${channel}`, { method: 'DELETE' });
  await expect.poll(async () => (await get('/readyz')).status).toBe(200);
});
