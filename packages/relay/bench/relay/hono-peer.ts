// A peer: Hono's own `streamSSE`, each event written to each reader, as its documentation shows. A process of its own.
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { streamSSE, type SSEStreamingApi } from 'hono/streaming';

const readers = new Map<string, Set<SSEStreamingApi>>();
const app = new Hono();
let id = 0;
app.get('/subscribe/:channel', (context) =>
  streamSSE(context, async (stream) => {
    const all = readers.get(context.req.param('channel')) ?? new Set();
    readers.set(context.req.param('channel'), all);
    all.add(stream);
    await stream.write(':\n\n');
    await new Promise<void>((resolve) => stream.onAbort(resolve));
    all.delete(stream);
  }),
);
app.post('/publish/:channel', async (context) => {
  const data = await context.req.text();
  id += 1;
  for (const stream of readers.get(context.req.param('channel')) ?? []) void stream.writeSSE({ data, id: String(id) });
  return context.body(null, 202);
});
serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, (address: AddressInfo) => {
  process.stdout.write(`http://127.0.0.1:${address.port}\n`);
});
