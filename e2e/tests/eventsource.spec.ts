// The browser's own EventSource: a reader without a line of ours, which sees events, and resumes by itself.
import type { Page } from '@playwright/test';
import { note, post } from '../src/http.ts';
import { expect, test } from '../src/test.ts';

/** What a page's readers have heard, by their names. */
declare global {
  var heard: Record<string, { readonly ids: unknown[]; readonly controls: string[]; readonly source: EventSource }>;
}

/** Opens a reader of the notes, and writes down what it hears. */
async function listen(page: Page, name: string, query = ''): Promise<void> {
  await page.evaluate(
    ({ name, query }) => {
      const source = new EventSource(`/v1/channels/notes/events${query}`);
      const [ids, controls]: [unknown[], string[]] = [[], []];
      source.addEventListener('message', ({ data }) => void ids.push(JSON.parse(data).id));
      for (const kind of ['connected', 'gap', 'drain']) source.addEventListener(kind, () => void controls.push(kind));
      globalThis.heard ??= {};
      globalThis.heard[name] = { ids, controls, source };
    },
    { name, query },
  );
}

const idsOf = (page: Page, name: string) => page.evaluate((its) => heard[its]?.ids, name);
const controlsOf = (page: Page, name: string) => page.evaluate((its) => heard[its]?.controls, name);
/** 0 is on its way, 1 is open, 2 is given up (the HTML standard, "EventSource.readyState"). */
const stateOf = (page: Page, name: string) => page.evaluate((its) => heard[its]?.source.readyState, name);

test('a plain EventSource has every event once, though its relay goes away, is killed, and comes back', async ({
  relay,
  newDevice,
}) => {
  const page = await (await newDevice()).newPage();
  await page.goto(`${relay.url}/healthz`);
  await listen(page, 'alice');
  await expect.poll(() => controlsOf(page, 'alice')).toEqual(['connected']);

  // Before it has heard any event: it stands where `connected` said, and not at what is newest when it is back.
  await relay.stop();
  await relay.start();
  await post(relay.url, 'notes', [note('alice', 0)]);
  await expect.poll(() => idsOf(page, 'alice')).toEqual(['alice-0']);
  expect(await controlsOf(page, 'alice')).toEqual(['connected', 'drain', 'connected']);

  await relay.kill();
  await relay.start();
  await post(relay.url, 'notes', [note('alice', 1), { ...note('alice', 2), ephemeral: true }, note('alice', 3)]);
  await expect.poll(() => idsOf(page, 'alice')).toContain('alice-3');
  // Nobody promises the ephemeral one to who was away.
  expect((await idsOf(page, 'alice'))?.filter((id) => id !== 'alice-2')).toEqual(['alice-0', 'alice-1', 'alice-3']);

  await post(relay.url, 'notes', [{ ...note('alice', 4), ephemeral: true }, note('alice', 5)]);
  await expect.poll(() => idsOf(page, 'alice')).toContain('alice-5');
  expect((await idsOf(page, 'alice'))?.slice(-2)).toEqual(['alice-4', 'alice-5']);
  expect(await controlsOf(page, 'alice')).not.toContain('gap');
});

test.describe('where there is room for one', () => {
  test.use({ limits: { subscribersMax: 1 } });

  test('a plain EventSource for which there is none comes back until there is', async ({ relay, newDevice }) => {
    const page = await (await newDevice()).newPage();
    await page.goto(`${relay.url}/healthz`);
    await listen(page, 'alice');
    await expect.poll(() => controlsOf(page, 'alice')).toEqual(['connected']);
    await listen(page, 'bob', '?after=earliest');
    await expect.poll(() => controlsOf(page, 'bob')).toContain('drain');
    expect(await stateOf(page, 'bob')).not.toBe(2);
    await post(relay.url, 'notes', [note('alice', 0)]);
    await page.evaluate(() => heard['alice']?.source.close());
    await expect.poll(() => idsOf(page, 'bob')).toEqual(['alice-0']);
  });
});
