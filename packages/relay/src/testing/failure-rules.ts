// PROTOCOL.md, rule 8: failures.
import { expect, test } from 'vitest';
import { createRelayWorld, eventOf, eventType, type RelayStart, type RelayUnderTest } from './world.ts';

/** Rule 8. */
export function failureRules(start: (options?: RelayStart) => Promise<RelayUnderTest>): void {
  const create = (options?: RelayStart) => createRelayWorld(start, options);

  test('8.1 a failure is a problem with a name', async () => {
    const { get, path } = await create();
    const response = await get(`${path}?after=nonsense`);
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(await response.json()).toEqual({
      type: 'about:blank',
      title: 'Invalid offset',
      status: 400,
      detail: expect.stringContaining('nonsense'),
      name: 'InvalidOffset',
    });
  });

  test('8.1 a failure quotes no more of a request than it is known by', async () => {
    const { relay, path, channel } = await create();
    const long = 'x'.repeat(7000);
    for (const [at, init] of [
      [path, { headers: { accept: `text/${long}` } }],
      [`/v1/events?channel=${channel}`, { headers: { accept: `text/${long}` } }],
      [`/${long}`, {}],
      [path, { method: 'POST', headers: { 'content-type': `text/${long}` }, body: 'x' }],
      [
        path,
        { method: 'POST', headers: { 'content-type': eventType }, body: JSON.stringify({ [long.toUpperCase()]: 1 }) },
      ],
    ] as const) {
      const response = await relay.fetch(relay.url + at, init);
      const { detail } = (await response.json()) as { readonly detail: string };
      expect([response.status >= 400, detail.length <= 1000, detail]).toEqual([
        true,
        true,
        expect.stringMatching(/xxx|XXX/),
      ]);
    }
  });

  test('8.2 unknown paths and methods are told so', async () => {
    const { relay, path, channel } = await create();
    for (const unknown of ['/', '/v1', '/v2/events', '/v1/channels', `${path}/more`]) {
      const response = await relay.fetch(relay.url + unknown);
      expect([unknown, response.status, ((await response.json()) as { name: string }).name]).toEqual([
        unknown,
        404,
        'NotFound',
      ]);
    }
    for (const known of [path, `/v1/channels/${channel}`, '/v1/events', '/healthz']) {
      const response = await relay.fetch(relay.url + known, { method: 'PATCH' });
      expect([known, response.status, response.headers.get('allow')]).toEqual([
        known,
        405,
        expect.stringContaining('GET'),
      ]);
      expect(((await response.json()) as { status: number }).status).toBe(405);
    }
  });

  test('8.4 a failure stores nothing, announces nothing and counts nothing', async () => {
    const { post, publish, open, stat } = await create();
    const stream = await open();
    await stream.control('connected');
    await post('application/cloudevents+json', { ...eventOf('1'), source: '' });
    await post('application/cloudevents-batch+json', '[{]');
    await post('text/plain', 'x');
    await post('application/cloudevents+json', eventOf('2', { data: 'x'.repeat(300_000) }));
    expect(await stat()).toMatchObject({ published: 0, duplicates: 0, refused: 0, bytes: 0 });
    await publish(eventOf('3'));
    expect((await stream.next())?.data?.['id']).toBe('3');
  });
}
