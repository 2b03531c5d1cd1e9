// The same demo, with its relay on workerd: `npm run edge`, and `?relay=` in the page's address.
import { pages } from '../src/relay.ts';
import { expect, test } from '../src/test.ts';

test.use({ assets: pages.demo });

test('two devices share a board through a relay on workerd', async ({ relay, newDevice, newFolder, run }) => {
  const state = await newFolder();
  const npm = run('npm', ['run', 'edge', '--', '--port', '0', '--ip', '127.0.0.1', '--persist-to', state]);
  const edge = /http:\/\/\S+/.exec(await npm.line(/Ready on http:\/\//))?.[0] ?? '';
  const boards = [];
  for (const user of ['alice', 'bob']) {
    const page = await (await newDevice()).newPage();
    await page.goto(`${relay.url}/?rate=0&user=${user}&relay=${edge}`);
    await expect(page.getByTestId('connection')).toHaveText('online');
    boards.push(page);
  }

  for (const page of boards) await page.getByTestId('publish-100').click();

  const orders = [];
  for (const page of boards) {
    const rows = page.getByTestId('events-board').locator('[data-offset]');
    await expect(rows).toHaveCount(200);
    await expect(page.getByTestId('pending')).toHaveText('0');
    orders.push(await rows.evaluateAll((all) => all.map((row) => row.getAttribute('data-offset'))));
  }
  expect(orders[0]).toEqual(orders[1]);
});
