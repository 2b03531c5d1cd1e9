// Tokens that end while their devices go on, that come late, and that do not list every channel.
import { join } from 'node:path';
import { createRuntime } from '@godwit/client/node';
import { defineEvents, payload } from '@godwit/core';
import { mintToken } from '@godwit/relay';
import { startRelay } from '@godwit/relay/node';
import { pages } from '../src/relay.ts';
import { hears, numbers, openTab, type Tab } from '../src/tab.ts';
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

const tokenFor = (...channels: readonly string[]): Promise<string> =>
  mintToken({ key: secret, alg: 'HS256' }, { publish: channels, subscribe: channels });

/** Somebody logs in, or gets another token: whichever page asks has it from then on. */
const logIn = async (tab: Tab, token: Promise<string>): Promise<void> =>
  tab.page.evaluate((its) => localStorage.setItem('token', its), await token);

test('a page whose user has not logged in yet says so, keeps what is published, and goes on as soon as they have', async ({
  newFolder,
  newDevice,
}) => {
  const relay = await startRelay({ port: 0, data: await newFolder(), secret, assets: pages.bare });
  try {
    const alice = await openTab(await newDevice(), relay.url, '?signed');
    await expect.poll(async () => (await alice.status()).connection).toBe('needs-auth');
    await alice.publish('alice', 0, 3);
    await alice.waiting(3);

    await logIn(alice, tokenFor('notes'));
    await alice.resume();

    await alice.settled();
    await hears(alice, 'relay', 'alice', numbers(3));
    expect((await alice.status()).counts.dropped).toEqual({});
  } finally {
    await relay.close();
  }
});

test('a channel that the token does not list pauses, to be read and written, and the others go on; with another token it goes on too', async ({
  newFolder,
  newDevice,
}) => {
  const relay = await startRelay({ port: 0, data: await newFolder(), secret, assets: pages.bare });
  try {
    const device = await newDevice();
    const signed = `?signed=${await tokenFor('notes')}`;
    const notes = await openTab(device, relay.url, signed);
    const letters = await openTab(device, relay.url, `${signed}&channel=letters`);
    await letters.publish('alice', 0, 2);
    await notes.publish('alice', 0, 5);
    await hears(notes, 'relay', 'alice', numbers(5));
    for (const tab of [notes, letters]) {
      await expect.poll(async () => (await tab.status()).channels['letters']?.paused).toBe(true);
      expect((await tab.status()).channels['letters']?.failure?.name).toBe('Forbidden');
    }
    await letters.waiting(2);
    await letters.online();

    await logIn(letters, tokenFor('notes', 'letters'));
    // A device asks again by itself, a minute later.
    await letters.pause();
    await letters.resume();

    await hears(letters, 'relay', 'alice', numbers(2));
    await letters.settled();
    await expect.poll(async () => (await letters.status()).channels['letters']?.paused).toBe(false);
  } finally {
    await relay.close();
  }
});
