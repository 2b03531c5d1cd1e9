// One event, followed by its links: from the page that published it, through its worker and the relay, to every handler.
import { startRelay } from '@godwit/relay/node';
import { readAll } from '../src/http.ts';
import { pages } from '../src/relay.ts';
import { hears, numbers, openTab } from '../src/tab.ts';
import { expect, test } from '../src/test.ts';
import { openTracing, type KeptSpan } from '../src/tracing.ts';

test('an event is followed through its links: publisher, relay, another tab, another device', async ({
  newDevice,
  newFolder,
}) => {
  const tracing = openTracing();
  const relay = await startRelay({
    port: 0,
    data: await newFolder(),
    assets: pages.bare,
    insecure: true,
    telemetry: tracing.telemetry,
  });
  try {
    const device = await newDevice();
    const alice = await openTab(device, relay.url, '?trace');
    const alicesOther = await openTab(device, relay.url, '?trace&durable');
    const bob = await openTab(await newDevice(), relay.url, '?user=bob&trace');
    const tabs = [alice, alicesOther, bob];
    await bob.online();

    const ids = await alice.publish('alice', 0, 2);
    // The page has a handler of each order: the second hears an event once the relay has ordered it.
    for (const tab of tabs)
      for (const order of ['local', 'relay'] as const) await hears(tab, order, 'alice', numbers(2));
    // And the other tab a durable one, which the device runs once.
    await expect.poll(async () => (await alicesOther.status()).handlers['count']?.totals.handled).toBe(2);

    for (const [n, id] of ids.entries()) {
      const about = (spans: readonly KeptSpan[], name: string): readonly KeptSpan[] =>
        spans.filter((span) => span.name === name && span.attributes['godwit.event.id'] === id);
      const published = about(await alice.spans(), 'godwit.publish')[0];
      expect(published, `the publisher's span of event ${n}`).toMatchObject({ kind: 'PRODUCER', parentSpanId: null });
      if (published === undefined) return;
      const { traceId, spanId } = published;
      const event = (await readAll(relay.url, 'notes')).find((one) => one.id === id);
      expect(event?.traceparent).toBe(`00-${traceId}-${spanId}-01`);

      const leadsBack = ({ links }: KeptSpan): boolean => links.includes(spanId);
      const appended = tracing.spans().filter(leadsBack);
      expect(appended).toMatchObject([{ name: 'godwit.append', kind: 'SERVER', parentSpanId: null }]);

      const handled = (await Promise.all(tabs.map((tab) => tab.spans()))).map((spans) => spans.filter(leadsBack));
      for (const span of handled.flat())
        expect(span).toMatchObject({ name: 'godwit.handle', kind: 'CONSUMER', parentSpanId: null });
      const kinds = handled.map((spans) =>
        spans.map(({ attributes }) => String(attributes['godwit.handler.kind'])).toSorted(),
      );
      expect(kinds).toEqual([
        ['live', 'live'],
        ['durable', 'live', 'live'],
        ['live', 'live'],
      ]);
      // Each is a root: a trace of its own, which the links alone connect.
      const traces = [published, ...appended, ...handled.flat()].map((span) => span.traceId);
      expect(new Set(traces).size).toBe(traces.length);
    }
  } finally {
    await relay.close();
  }
});
