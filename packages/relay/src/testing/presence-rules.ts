// PROTOCOL.md, rules 5.6 and 5.7: who is on a channel, and who comes and goes.
import { expect, test } from 'vitest';
import { createRelayWorld, type RelayStart, type RelayUnderTest } from './world.ts';

/** Rules 5.6 and 5.7. */
export function presenceRules(start: (options?: RelayStart) => Promise<RelayUnderTest>): void {
  const create = (options?: RelayStart) => createRelayWorld(start, options);

  test('5.6 a reader that says who it is counts as present, whatever its transport, until a while after its last connection', async () => {
    const { open, connect, get, channel } = await create({ limits: { presenceMs: 300 } });
    const clients = async (): Promise<unknown> => {
      const { clients } = (await (await get(`/v1/channels/${channel}/presence`)).json()) as {
        clients: { clientId: string; since: string }[];
      };
      return clients.map(({ clientId }) => clientId);
    };
    const nobody = await open();
    await nobody.control('connected');
    expect(await clients()).toEqual([]);
    const alice = [await open('?client=alice'), await connect('?client=alice')] as const;
    const bob = await open(`?channel=${channel}&client=bob`, {}, '/v1/events');
    await alice[0].control('connected');
    await alice[1].message('connected');
    await bob.control('connected');
    expect(await clients()).toEqual(['alice', 'bob']);
    await alice[0].cancel();
    await bob.cancel();
    await expect.poll(clients).toEqual(['alice']);
    alice[1].close();
    await expect.poll(clients).toEqual([]);
    expect(
      (await get(`/v1/channels/${channel}/events?client=${'x'.repeat(129)}`, { accept: 'text/event-stream' })).status,
    ).toBe(400);
  });

  test('5.6 who is there may know it who may read', async () => {
    const { get, channel, token } = await create({ secured: true });
    const as = async (claims: object): Promise<number> =>
      (await get(`/v1/channels/${channel}/presence`, { authorization: `Bearer ${await token(claims)}` })).status;
    expect([await as({ subscribe: [channel] }), await as({ publish: [channel] })]).toEqual([200, 403]);
  });

  test('5.6 whose token names a subject is present as nobody else, on any transport', async () => {
    const { relay, get, open, connect, refused, channel, token, path } = await create({ secured: true });
    const as = async (sub?: string): Promise<Record<string, string>> => ({
      authorization: `Bearer ${await token(sub === undefined ? { subscribe: ['*'] } : { subscribe: ['*'], sub })}`,
    });
    const alice = await as('alice');
    const named = async (where: string): Promise<number> => {
      const { status, body } = await get(where, { accept: 'text/event-stream', ...alice });
      await body?.cancel();
      return status;
    };
    for (const name of ['bob', 'alic', 'alice2', '/alice', 'ALICE']) {
      expect([name, await named(`${path}?client=${name}`)]).toEqual([name, 403]);
      expect([name, await named(`/v1/events?channel=${channel}&client=${name}`)]).toEqual([name, 403]);
    }
    expect((await refused('?client=bob', alice)).status).toBe(403);
    const readers = [await open('?client=alice', alice), await open('?client=alice/phone', alice)];
    readers.push(await open(`?channel=${channel}&client=alice/tablet`, alice, '/v1/events'));
    // A token without a subject says nothing of who has it.
    readers.push(await open('?client=anybody', await as()));
    for (const reader of readers) await reader.control('connected');
    await (await connect('?client=alice/watch', alice)).message('connected');
    const listed = await relay.fetch(`${relay.url}/v1/channels/${channel}/presence`, { headers: alice });
    expect(await listed.json()).toMatchObject({
      clients: ['alice', 'alice/phone', 'alice/tablet', 'anybody', 'alice/watch'].map((clientId) => ({ clientId })),
    });
  });

  test('5.7 the others are told who comes and who goes, by ephemeral events, and once for each', async () => {
    const { open, channel } = await create({ limits: { presenceMs: 100 } });
    const stream = await open('?type=client.*');
    await stream.control('connected');
    const two = [await open('?client=alice'), await open('?client=alice')];
    for (const one of two) await one.control('connected');
    const [came] = await stream.events(1);
    const data = { clientId: 'alice' };
    expect(came?.data).toMatchObject({ type: 'client.connected', subject: 'alice', ephemeral: true, channel, data });
    expect(came).not.toHaveProperty('id');
    for (const one of two) await one.cancel();
    const [went] = await stream.events(1);
    expect(went?.data).toMatchObject({ type: 'client.disconnected', subject: 'alice', ephemeral: true, channel, data });
  });
}
