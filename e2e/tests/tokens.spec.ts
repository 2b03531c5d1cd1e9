// Tokens that end while their devices go on: each stream ends with its token, and is resumed with the next.
import { join } from 'node:path';
import { createRuntime } from '@godwit/client/node';
import { defineEvents, payload } from '@godwit/core';
import { mintToken } from '@godwit/relay';
import { startRelay } from '@godwit/relay/node';
import { expect, test } from '../src/test.ts';

const events = defineEvents({ 'note.written': payload<{ readonly n: number }>() });
const secret = new TextEncoder().encode('the secret of a relay of this test alone');
/** A token is good until the end of the next second. */
const lifeS = 2;
const tokensWanted = 4;

test('devices whose tokens end every two seconds lose nothing, double nothing and keep the order', async ({
  newFolder,
}) => {
  const data = await newFolder();
  const relay = await startRelay({ port: 0, data, secret });
  const asked = { alice: 0, bob: 0 };
  const open = (who: keyof typeof asked, claims: object) =>
    createRuntime({
      file: join(data, `${who}.sqlite`),
      events,
      relay: relay.url,
      channels: ['notes'],
      token() {
        asked[who] += 1;
        const iat = Math.floor(Date.now() / 1000);
        return mintToken({ key: secret, alg: 'HS256' }, { ...claims, iat, exp: iat + lifeS });
      },
    });
  const alice = await open('alice', { publish: ['notes'], subscribe: ['notes'] });
  const bob = await open('bob', { subscribe: ['n*'] });
  try {
    const heard: number[] = [];
    let wake: (() => void) | undefined;
    bob.on(
      'note.written',
      ({ data }) => {
        heard.push(data.n);
        wake?.();
      },
      { order: 'relay' },
    );
    const published: number[] = [];
    // One at a time, and the next when the last has been heard: each lies in another place of some stream's life.
    while (asked.bob < tokensWanted || asked.alice < tokensWanted) {
      const arrived = new Promise<void>((resolve) => (wake = resolve));
      published.push(published.length);
      await alice.publish('note.written', { n: published.length - 1 });
      await arrived;
    }
    expect(heard).toEqual(published);
    await expect.poll(() => alice.status.get().pending).toBe(0);
    expect(bob.status.get().counts.dropped).toEqual({});
  } finally {
    await Promise.all([alice.close(), bob.close()]);
    await relay.close();
  }
});
