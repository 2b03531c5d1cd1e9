// A relay that comes back from a backup holds less than it had told: its readers notice, and lose nothing that they had.
import { readAll } from '../src/http.ts';
import { hears, numbers, openTab } from '../src/tab.ts';
import { expect, test } from '../src/test.ts';

test('devices of a relay that is restored from a live backup notice, keep what they had, and go on', async ({
  relay,
  newDevice,
}) => {
  const alice = await openTab(await newDevice(), relay.url);
  const bob = await openTab(await newDevice(), relay.url, '?user=bob');
  await Promise.all([alice.online(), bob.online()]);
  await alice.publish('alice', 0, 20);
  await alice.settled();
  await hears(bob, 'relay', 'alice', numbers(20));
  await alice.beginPublishing('alice also', 200);
  const copy = await (await fetch(`${relay.url}/v1/backup`)).bytes();
  await expect.poll(() => alice.page.evaluate(() => godwit.published())).toBe(220);
  // Behind the copy, however long that took.
  await alice.publish('alice also', 200, 1);
  await alice.settled();
  await hears(bob, 'relay', 'alice also', numbers(201));

  await relay.kill();
  await relay.restore(copy);
  await relay.start();
  await Promise.all([alice.online(), bob.online()]);
  // What came after the backup, the relay has lost; what was acknowledged before, it holds.
  const held = (await readAll(relay.url, 'notes')).map(
    ({ data }) => data as { readonly by: string; readonly n: number },
  );
  expect(held.filter(({ by }) => by === 'alice').map(({ n }) => n)).toEqual(numbers(20));
  expect(held.length).toBeLessThan(221);

  await alice.publish('alice', 20, 5);
  await alice.settled();
  await bob.publish('bob', 0, 5);
  for (const tab of [alice, bob]) {
    await hears(tab, 'relay', 'alice', numbers(25));
    await hears(tab, 'relay', 'alice also', numbers(201));
    await hears(tab, 'relay', 'bob', numbers(5));
  }
});
