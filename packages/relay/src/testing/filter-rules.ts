// PROTOCOL.md, rules 2.13 and 2.14: what a reader wants to see, and what it wants to miss.
import { expect, test } from 'vitest';
import { createRelayWorld, eventOf, ids, type RelayStart, type RelayUnderTest } from './world.ts';

/** Rules 2.13 and 2.14, on every way to read. */
export function filterRules(start: (options?: RelayStart) => Promise<RelayUnderTest>): void {
  const create = (options?: RelayStart) => createRelayWorld(start, options);

  test('2.13 a filter on attributes shows what has them, on streams, sockets and pages', async () => {
    const { publish, open, connect, page, get, channel } = await create();
    const query = '?after=earliest&source=/bob*&ce-tenant=acme&ce-tenant=emca&ce-level=3&subject=todo/*';
    const its = { source: '/bob/1', tenant: 'acme', level: 3, subject: 'todo/1' };
    const events = [
      eventOf('0'),
      eventOf('1', its),
      eventOf('2', { ...its, tenant: 'other' }),
      eventOf('3', { ...its, level: '3', tenant: 'emca' }),
      eventOf('4', { ...its, source: '/alice' }),
      eventOf('5', { ...its, subject: undefined }),
      eventOf('6', { ...its, type: 'note' }),
    ];
    await publish(...events);
    const [stream, socket] = [await open(query), await connect(query)];
    expect(await stream.ids(3)).toEqual(['1', '3', '6']);
    expect(await socket.ids(3)).toEqual(['1', '3', '6']);
    expect((await page(query)).map(({ id }) => id)).toEqual(['1', '3', '6']);
    expect((await page(`${query}&type=todo.*`)).map(({ id }) => id)).toEqual(['1', '3']);
    const merged = await open(`?channel=${channel}@earliest&${query.slice(1)}`, {}, '/v1/events');
    expect(await merged.ids(3)).toEqual(['1', '3', '6']);
    await publish(eventOf('e', { ...its, ephemeral: true }), eventOf('f', { ephemeral: true }), eventOf('7', its));
    for (const reader of [stream, socket, merged]) expect(await reader.ids(2)).toEqual(['e', '7']);
    // A page that shows nothing of many still moves on.
    const next = (await get(`/v1/channels/${channel}/events${query}&ce-none=x`)).headers.get('godwit-up-to-date');
    expect(next).toBe('true');
  });

  test('2.13 a filter sees an event as it is sent, ephemeral ones too: with its channel, whatever the publisher wrote', async () => {
    const { publish, open, stat, channel } = await create();
    const readers = await Promise.all(
      [`ce-channel=${channel}`, 'ce-channel=another', 'ce-sequence=z'].map((query) => open(`?${query}`)),
    );
    for (const reader of readers) await reader.control('connected');
    const written = { channel: 'another', sequence: 'z' };
    await publish(eventOf('1', written), eventOf('e', { ...written, ephemeral: true }), eventOf('2'));
    expect(await readers[0]?.ids(3)).toEqual(['1', 'e', '2']);
    await expect.poll(stat).toMatchObject({ delivered: 3, filtered: 6, queueDepth: 0 });
  });

  test('2.13 a filter that is none, or too much, is refused', async () => {
    const { get, path, refused } = await create();
    const cases = [
      'ce-=x',
      'ce-Tenant=x',
      'ce-a_b=x',
      'ce-__proto__=x',
      'ce-data=x',
      'ce-source=/alice',
      'ce-type=todo.*',
      `source=${'x'.repeat(1025)}`,
      `source=${'a*'.repeat(17)}`,
      many(101, (index) => `source=${index}`),
      many(11, (index) => `ce-a${index}=x`),
      `${many(60, (index) => `type=t${index}`)}&${many(60, (index) => `subject=${index}`)}`,
    ];
    for (const query of cases) {
      const answers = [
        await get(`${path}?${query}`),
        await get(`${path}?${query}`, { accept: 'text/event-stream' }),
        await get(`/v1/events?channel=a&${query}`),
        await refused(`?${query}`),
      ];
      for (const response of answers) {
        const { name } = (await response.json()) as { name: string };
        expect([query.slice(0, 40), response.status, name]).toEqual([query.slice(0, 40), 400, 'InvalidRequest']);
      }
    }
    const most = `${many(90, (index) => `type=t${index}`)}&${many(10, (index) => `ce-a${index}=${'a*'.repeat(16)}`)}&ce-a1=&other=x`;
    expect((await get(`${path}?${most}`)).status).toBe(200);
  });

  test('2.14 a reader too slow for ephemeral events may have the newest of each key', async () => {
    const { publish, open, stat } = await create();
    const stream = await open('?ephemeral=latest');
    await stream.control('connected');
    const data = 'x'.repeat(100_000);
    let superseded = 0;
    let sent = 0;
    while (superseded === 0 && sent < 1000) {
      sent += 1;
      await publish(eventOf(`e${sent}`, { ephemeral: true, data, subject: 'card/1' }));
      superseded = ((await stat())['dropped'] as Record<string, number>)['superseded'] ?? 0;
    }
    expect(superseded).toBeGreaterThan(0);
    let last: unknown;
    while (last !== `e${sent}`) [last] = await stream.ids(1);
    expect(await stat()).toMatchObject({ delivered: sent - superseded, dropped: { superseded } });
  });

  test('2.14 or be ended, and told why', async () => {
    const { publish, open, stat } = await create();
    const stream = await open('?ephemeral=disconnect');
    await stream.control('connected');
    const data = 'x'.repeat(100_000);
    for (let round = 0; (await stat())['subscribers'] !== 0 && round < 1000; round += 1) {
      await publish(...ids(1, 9).map((id) => eventOf(`${round}:${id}`, { ephemeral: true, data })));
    }
    expect((await stat())['subscribers']).toBe(0);
    expect(await stream.control('dropped')).toMatchObject({ dropped: { overflow: 1 } });
    expect(await stream.next()).toBeUndefined();
  });

  test('2.14 any other policy is refused', async () => {
    const { get, path } = await create();
    const response = await get(`${path}?ephemeral=keep`, { accept: 'text/event-stream' });
    expect([response.status, await response.json()]).toMatchObject([400, { name: 'InvalidRequest' }]);
  });
}

function many(count: number, of: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => of(index)).join('&');
}
