import { expect, test } from 'vitest';
import { createTestApp } from './test/app.ts';

test('every request is looked up by the fast one of Hono’s routers, which gives way where two paths do not go together', async () => {
  const { app, get } = createTestApp();
  await get('/healthz');
  expect(app.router.name).toBe('SmartRouter + RegExpRouter');
});

test.for([
  ['GET', 'dead/retry', 'POST'],
  ['GET', 'dead/some', 'DELETE'],
  ['POST', 'dead/some', 'DELETE'],
  ['GET', 'dead/some/retry', 'POST'],
  ['PUT', 'dead', 'GET, HEAD, DELETE'],
] as const)('%s of a webhook’s %s is answered with what can be done there: %s', async ([method, path, allow]) => {
  const { app } = createTestApp();
  const response = await app.request(`/v1/channels/a/webhooks/some/${path}`, { method });
  expect([response.status, response.headers.get('allow')]).toEqual([405, allow]);
});
