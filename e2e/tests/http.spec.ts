// What curl can do: publish and read by PROTOCOL.md alone.
import { note, post, readAll, readStream } from '../src/http.ts';
import { hears, numbers, openTab } from '../src/tab.ts';
import { expect, test } from '../src/test.ts';

test('an event posted by a plain client is handled in a tab', async ({ relay, newDevice }) => {
  const alice = await openTab(await newDevice(), relay.url);
  await alice.online();

  const { results } = await post(relay.url, 'notes', [note('curl', 0), note('curl', 1)]);

  expect(results.map(({ id, status }) => ({ id, status }))).toEqual([
    { id: 'curl-0', status: 'appended' },
    { id: 'curl-1', status: 'appended' },
  ]);
  await hears(alice, 'relay', 'curl', [0, 1]);
  expect((await alice.handled('relay')).map(({ offset }) => offset)).toEqual(results.map(({ offset }) => offset));
});

test('an event published in a tab is read by a plain client: as a page, and live', async ({ relay, newDevice }) => {
  const alice = await openTab(await newDevice(), relay.url);
  await alice.publish('alice', 0, 1);
  await alice.settled();

  const live = readStream(`${relay.url}/v1/channels/notes/events?after=earliest`, {}, (frames) =>
    frames.some(({ data }) => data.includes('"n":1')),
  );
  await alice.publish('alice', 1, 1);

  const frames = (await live).filter(({ event }) => event === undefined);
  const page = await readAll(relay.url, 'notes');
  expect(page.map(({ type, channel, data }) => ({ type, channel, data }))).toEqual(
    [0, 1].map((n) => ({ type: 'note.written', channel: 'notes', data: { by: 'alice', n } })),
  );
  expect(frames.map(({ data }) => JSON.parse(data).id)).toEqual(page.map(({ id }) => id));
});

test('the same event posted twice is stored once, and answers its first offset', async ({ relay }) => {
  const first = await post(relay.url, 'notes', [note('curl', 0)]);
  const second = await post(relay.url, 'notes', [note('curl', 0), note('curl', 1)]);

  expect(second.results[0]).toEqual({ ...first.results[0], status: 'duplicate' });
  expect(await readAll(relay.url, 'notes')).toHaveLength(2);
});

test('what the relay has answered for is there after a SIGKILL', async ({ relay }) => {
  const { results } = await post(
    relay.url,
    'notes',
    numbers(100).map((n) => note('curl', n)),
  );
  await relay.kill();
  await relay.start();

  const events = await readAll(relay.url, 'notes');
  expect(events.map(({ id }) => id)).toEqual(results.map(({ id }) => id));
  expect((await post(relay.url, 'notes', [note('curl', 0)])).results[0]).toEqual({
    ...results[0],
    status: 'duplicate',
  });
});
