// PROTOCOL.md, rule 7, where a platform has no webhooks: it says so. What they do is tested beside the relay that has them.
import { expect, test } from 'vitest';
import { createRelayWorld, type RelayStart, type RelayUnderTest } from './world.ts';

/** Rule 7.13. */
export function webhookRules(start: (options?: RelayStart) => Promise<RelayUnderTest>): void {
  test('7.13 a relay that sends no webhooks says so by name', async () => {
    const { relay, get, channel } = await createRelayWorld(start);
    const response = await get(`/v1/channels/${channel}/webhooks`);
    if (relay.hasWebhooks !== false) return expect(await response.json()).toEqual({ webhooks: [] });
    expect(response.status).toBe(501);
    expect(await response.json()).toMatchObject({ name: 'Unsupported', detail: expect.stringContaining('Node') });
  });
}
