// What goes away comes back: the network, the relay, the browser.
import { readAll } from '../src/http.ts';
import { hears, numbers, openTab } from '../src/tab.ts';
import { expect, test } from '../src/test.ts';

test('an event published offline arrives once the relay returns, once, in order', async ({ relay, newDevice }) => {
  const alice = await openTab(await newDevice(), relay.url);
  const bob = await openTab(await newDevice(), relay.url, '?user=bob');
  await Promise.all([alice.online(), bob.online()]);
  await alice.publish('alice', 0, 5);
  await hears(bob, 'relay', 'alice', numbers(5));

  await relay.stop();
  await alice.publish('alice', 5, 25);
  await alice.waiting(25);
  await hears(alice, 'local', 'alice', numbers(30));
  await relay.start();

  await hears(bob, 'relay', 'alice', numbers(30));
  await hears(alice, 'relay', 'alice', numbers(30));
  await alice.settled();
  expect((await readAll(relay.url, 'notes')).map(({ data }) => data)).toEqual(
    numbers(30).map((n) => ({ by: 'alice', n })),
  );
});

test('an event whose publish resolved survives the killing of the browser @chromium', async ({
  relay,
  newDevice,
  newProxy,
  newProfile,
}) => {
  const proxy = await newProxy();
  const profile = await newProfile();
  const alice = await openTab(await profile.launch(), proxy.url);
  await alice.online();
  proxy.set('down');
  await alice.publish('alice', 0, 50);

  await profile.kill();
  expect(await readAll(relay.url, 'notes')).toEqual([]);
  proxy.set('up');
  const again = await openTab(await profile.launch(), proxy.url);

  const bob = await openTab(await newDevice(), relay.url, '?user=bob');
  await again.settled();
  await again.publish('alice', 50, 1);
  await hears(bob, 'relay', 'alice', numbers(51));
  expect((await readAll(relay.url, 'notes')).map(({ data }) => data)).toEqual(
    numbers(51).map((n) => ({ by: 'alice', n })),
  );
});

test('a relay killed in a stream of more than 1,000 publishes loses and doubles nothing', async ({
  relay,
  newDevice,
}) => {
  const alice = await openTab(await newDevice(), relay.url);
  const bob = await openTab(await newDevice(), relay.url, '?user=bob');
  await Promise.all([alice.online(), bob.online()]);

  await alice.page.evaluate(() => godwit.keepPublishing('alice'));
  // Bob has it, so the relay has acknowledged and announced it: from here on it must not be lost.
  await expect.poll(async () => (await bob.handled('relay')).length, { intervals: [10] }).toBeGreaterThan(100);
  await relay.kill();
  const acknowledged = await bob.handled('relay');
  // It goes on, so that the kill came in the midst of it, however late that was.
  await expect.poll(() => alice.page.evaluate(() => godwit.published())).toBeGreaterThan(1000);
  const count = await alice.page.evaluate(() => godwit.endPublishing());
  await relay.start();

  await alice.settled();
  await hears(bob, 'relay', 'alice', numbers(count));
  await hears(alice, 'relay', 'alice', numbers(count));
  const log = await readAll(relay.url, 'notes');
  expect(log.map(({ data }) => data)).toEqual(numbers(count).map((n) => ({ by: 'alice', n })));
  expect(log.slice(0, acknowledged.length).map(({ id }) => id)).toEqual(acknowledged.map(({ id }) => id));
});

test('a line that is cut is picked up again, and nothing is missed', async ({ relay, newDevice, newProxy }) => {
  const proxy = await newProxy();
  const alice = await openTab(await newDevice(), relay.url);
  const bob = await openTab(await newDevice(), proxy.url, '?user=bob');
  await bob.online();
  await alice.publish('alice', 0, 5);
  await hears(bob, 'relay', 'alice', numbers(5));

  proxy.set('down');
  await expect.poll(async () => (await bob.status()).connection).toBe('offline');
  await alice.publish('alice', 5, 20);
  await alice.settled();
  await bob.publish('bob', 0, 5);
  proxy.set('up');

  await hears(bob, 'relay', 'alice', numbers(25));
  await hears(alice, 'relay', 'bob', numbers(5));
  expect((await bob.status()).channels['notes']?.gaps ?? []).toEqual([]);
});

test('a browser that is switched offline keeps what is published, says so, and goes on by itself once it is online', async ({
  relay,
  newDevice,
}) => {
  const device = await newDevice();
  const alice = await openTab(device, relay.url);
  const bob = await openTab(await newDevice(), relay.url, '?user=bob');
  await Promise.all([alice.online(), bob.online()]);

  await device.setOffline(true);
  await alice.publish('alice', 0, 5);
  await expect.poll(async () => (await alice.status()).connection).toBe('offline');
  await alice.waiting(5);
  await hears(alice, 'local', 'alice', numbers(5));
  await bob.publish('bob', 0, 5);
  await device.setOffline(false);

  await alice.settled();
  await hears(bob, 'relay', 'alice', numbers(5));
  await hears(alice, 'relay', 'bob', numbers(5));
  await expect.poll(async () => (await alice.status()).connection).toBe('online');
});

test('news that the browser is online end the wait for the next try, however long it is @chromium', async ({
  relay,
  newDevice,
}) => {
  const device = await newDevice();
  const alice = await openTab(device, relay.url, '?patient');
  const bob = await openTab(await newDevice(), relay.url, '?user=bob');
  await Promise.all([alice.online(), bob.online()]);
  const waits = await alice.page.evaluateHandle(() => {
    const heard: unknown[] = [];
    new BroadcastChannel('e2e:waiting').addEventListener('message', ({ data }) => heard.push(data));
    return heard;
  });

  await device.setOffline(true);
  await alice.publish('alice', 0, 5);
  await expect.poll(async () => (await alice.status()).connection).toBe('offline');
  // From now on it would wait for ever.
  await expect.poll(() => waits.evaluate(({ length }) => length)).toBeGreaterThan(0);
  await bob.publish('bob', 0, 5);
  await device.setOffline(false);

  await alice.settled();
  await hears(bob, 'relay', 'alice', numbers(5));
  await hears(alice, 'relay', 'bob', numbers(5));
});

test('a page whose own timers stand still, as a hidden one\u2019s nearly do, is back on the line all the same @chromium @slow', async ({
  relay,
  newDevice,
  newProxy,
}) => {
  const proxy = await newProxy();
  const device = await newDevice();
  const page = await device.newPage();
  await page.clock.install();
  await page.goto(proxy.url);
  const alice = await openTab(device, proxy.url, '', page);
  const bob = await openTab(await newDevice(), relay.url, '?user=bob');
  await Promise.all([alice.online(), bob.online()]);
  const stoodAt = await page.evaluate(() => Date.now() + 60_000);
  await page.clock.pauseAt(stoodAt);

  proxy.set('down');
  await expect.poll(async () => (await alice.status()).connection).toBe('offline');
  await alice.publish('alice', 0, 5);
  await bob.publish('bob', 0, 5);
  proxy.set('up');

  await alice.settled();
  await hears(bob, 'relay', 'alice', numbers(5));
  await hears(alice, 'relay', 'bob', numbers(5));
  expect(await page.evaluate(() => Date.now())).toBe(stoodAt);
});

test('a device that is paused keeps what it publishes, and sends it when it goes on', async ({ relay, newDevice }) => {
  const device = await newDevice();
  const [one, other] = [await openTab(device, relay.url), await openTab(device, relay.url)];
  const bob = await openTab(await newDevice(), relay.url, '?user=bob');
  await Promise.all([one.online(), other.online(), bob.online()]);

  await other.pause();
  await expect.poll(async () => (await one.status()).connection).toBe('paused');
  await one.publish('alice', 0, 10);
  await hears(other, 'local', 'alice', numbers(10));
  expect(await readAll(relay.url, 'notes')).toEqual([]);
  await one.resume();

  await hears(bob, 'relay', 'alice', numbers(10));
});

test('a line that goes silent without a word is given up, and picked up again @slow', async ({
  relay,
  newDevice,
  newProxy,
}) => {
  // Three heartbeats of 15 s may be missing before a device gives a line up.
  test.setTimeout(180_000);
  const proxy = await newProxy();
  const alice = await openTab(await newDevice(), relay.url);
  const bob = await openTab(await newDevice(), proxy.url, '?user=bob');
  await bob.online();

  proxy.set('stalled');
  await alice.publish('alice', 0, 5);
  await expect.poll(async () => (await bob.status()).connection, { timeout: 90_000 }).not.toBe('online');
  proxy.set('up');

  await hears(bob, 'relay', 'alice', numbers(5));
});
