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
    await expect.poll(clients, { timeout: 20_000 }).toEqual(['alice']);
    alice[1].close();
    await expect.poll(clients, { timeout: 20_000 }).toEqual([]);
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
