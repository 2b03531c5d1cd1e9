// A message between tabs may be lost: what it was to tell the leader of is on the disk, and must not wait for the next of its kind.
import { expect, test } from 'vitest';
import { defineEvents } from '../event/define.ts';
import { payload } from '../event/schema.ts';
import type { Runtime } from './runtime.ts';
import { createPlace, type Place } from './test/place.ts';

const events = defineEvents({ 'note.written': payload<number>() });

test('it is sent with news of any other channel', async () => {
  const { place, follower } = await untold();
  await follower.publish('note.written', 2, { channel: 'hall' });
  await place.world.advance(1000);
  expect(await place.stored()).toMatchObject([{ data: 1 }]);
});

test('it is sent once somebody looks, goes online or resumes, though nothing else is published', async () => {
  const { place, follower } = await untold();
  follower.resume();
  await place.world.advance(1000);
  expect(await place.stored()).toMatchObject([{ data: 1 }]);
});

/** A tab of a device has published, and the one that leads was not told. */
async function untold(): Promise<{ readonly place: Place; readonly follower: Runtime<typeof events> }> {
  const place = createPlace();
  let isMute = false;
  await place.tab('alice', events);
  const follower = await place.tab('alice', events, {
    tabsOf: (tabs) => ({ ...tabs, announce: (message) => isMute || tabs.announce(message) }),
  });
  await place.world.advance(1000);
  expect(follower.status.get()).toMatchObject({ role: 'follower', connection: 'online' });
  isMute = true;
  await follower.publish('note.written', 1);
  await place.world.settle();
  isMute = false;
  return { place, follower };
}
