// PROTOCOL.md, rule 10, where a limit is the same on every platform: how often one token may ask.
import { expect, test } from 'vitest';
import { createRelayWorld, eventOf, eventType, type RelayStart, type RelayUnderTest } from './world.ts';

/** Rule 10. */
export function limitRules(start: (options?: RelayStart) => Promise<RelayUnderTest>): void {
  test('10.4 a token that asks too often is told when to come back, and no other is touched', async () => {
    const world = await createRelayWorld(start, { secured: true, limits: { requestsPerSecondMax: 5 } });
    const { get, post, path, token } = world;
    const as = async (sub: string): Promise<Record<string, string>> => {
      const all = { publish: ['*'], subscribe: ['*'], sub };
      return { authorization: `Bearer ${await token(all)}` };
    };
    const [alice, bob] = [await as('alice'), await as('bob')];
    let stored = 0;
    let refusal: Response | undefined;
    // Faster than the bucket fills, wherever the relay runs.
    while (refusal === undefined) {
      const all = await Promise.all(
        Array.from({ length: 10 }, (_, index) => post(eventType, eventOf(`${stored}.${index}`), alice)),
      );
      stored += all.filter(({ status }) => status === 200).length;
      refusal = all.find(({ status }) => status === 429);
    }
    expect(refusal.headers.get('retry-after')).toBe('1');
    expect(await refusal.json()).toMatchObject({ name: 'RateLimited' });
    // A native EventSource is told in a way that it understands (2.12).
    const streams = await Promise.all(
      Array.from({ length: 10 }, () => get(path, { ...alice, accept: 'text/event-stream' })),
    );
    expect(new Set(streams.map(({ status }) => status))).toEqual(new Set([200]));
    for (const stream of streams) await stream.body?.cancel();
    const kept = (await (await get(`${path}?after=earliest`, bob)).json()) as readonly unknown[];
    expect(kept).toHaveLength(stored);
  });
}
