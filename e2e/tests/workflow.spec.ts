// A workflow whose browser, or whose process, is killed between any two of its steps comes to its end when it is started again.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Profile } from '../src/profile.ts';
import { expect, test } from '../src/test.ts';

/** Points of the whole workflow: before and behind each of four steps, and before and behind what three of them do. */
const pointsOfAll = 14;

/** Runs it until the order is shipped, or until the browser was killed at a point. Answers how many points it came by. */
async function run(profile: Profile, url: string, done: Set<string>, dieAt?: number): Promise<number> {
  const device = await profile.launch();
  const over = Promise.withResolvers<void>();
  let points = 0;
  await device.exposeFunction('point', async () => {
    const isDying = points === dieAt;
    if (!isDying) points += 1;
    if (points !== dieAt) return;
    if (!isDying) void profile.kill().then(over.resolve, over.reject);
    // The page waits here for its end.
    await new Promise(() => undefined);
  });
  await device.exposeFunction('does', (what: string, orderId: string) => void done.add(`${what} ${orderId}`));
  await device.exposeFunction('shipped', () => over.resolve());
  const page = await device.newPage();
  await page.goto(`${url}/workflow.html`);
  await over.promise;
  if (dieAt === undefined) await device.close();
  return points;
}

test('in a browser it comes through undisturbed', async ({ relay, newProfile }) => {
  const done = new Set<string>();
  expect(await run(await newProfile(), relay.url, done)).toBe(pointsOfAll);
  expect([...done]).toEqual(['reserved 7', 'charged 7', 'shipped 7']);
});

for (let point = 1; point <= pointsOfAll; point += 1) {
  test(`in a browser that is killed at point ${point}, it goes on and ends, and nothing was done twice`, async ({
    relay,
    newProfile,
  }) => {
    const profile = await newProfile();
    const done = new Set<string>();
    expect(await run(profile, relay.url, done, point)).toBe(point);
    await run(profile, relay.url, done);
    expect([...done]).toEqual(['reserved 7', 'charged 7', 'shipped 7']);
  });
}

const program = ['--conditions=@godwit/source', 'e2e/src/workflow-child.ts'];

test('on Node it comes through undisturbed', async ({ run: start, newFolder }) => {
  const child = start('node', [...program, join(await newFolder(), 'device.db')]);
  expect(await child.line(/^shipped/)).toBe(`shipped 7 after ${pointsOfAll} points`);
});

for (let point = 1; point <= pointsOfAll; point += 1) {
  test(`on Node, its process killed at point ${point}, it goes on and ends, and nothing was done twice`, async ({
    run: start,
    newFolder,
  }) => {
    const file = join(await newFolder(), 'device.db');
    const killed = start('node', [...program, file, `${point}`]);
    await expect(killed.line(/^shipped/)).rejects.toThrow('ended');
    expect(await killed.end('SIGTERM')).toEqual({ code: null, signal: 'SIGKILL' });
    const again = start('node', [...program, file]);
    await again.line(/^shipped/);
    const ledger = (await readFile(`${file}.ledger`, 'utf8')).trim().split('\n');
    expect(ledger).toEqual(['reserved 7', 'charged 7', 'shipped 7']);
  });
}
