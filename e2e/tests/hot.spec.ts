// Hot reloading: a developer edits a React page, and its modules are replaced under it, by a real Vite with Fast Refresh.
import { cp, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { Page } from '@playwright/test';
import { root, startChild } from '../src/child.ts';
import { expect, test } from '../src/test.ts';

declare const heard: readonly string[];

/** Serves the page of e2e/hot from a folder in which it can be edited. */
async function develop(folder: string) {
  await cp(join(root, 'e2e/hot'), folder, { recursive: true });
  await cp(join(root, 'packages/client/examples/react.tsx'), join(folder, 'todos.tsx'));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  const server = startChild(join(root, 'node_modules/.bin/vite'), [folder]);
  const line = stripVTControlCharacters(await server.line(/http:/));
  return {
    url: /http:\S+/.exec(line)?.[0] ?? '',
    async edit(file: string, from: string, to: string): Promise<void> {
      const path = join(folder, file);
      const text = await readFile(path, 'utf8');
      expect(text, file).toContain(from);
      await writeFile(path, text.replace(from, to));
    },
    close: () => server.end('SIGTERM'),
  };
}

/** Adds a todo, and waits until the page has heard of it both ways. */
async function add(page: Page, title: string): Promise<void> {
  await page.getByRole('textbox').fill(title);
  await page.getByRole('button').click();
  await expect
    .poll(() => page.evaluate(() => heard))
    .toEqual(expect.arrayContaining([`live ${title}`, `durable ${title}`]));
}

/** The tabs that live on this device, by their locks. */
async function tabs(): Promise<readonly string[]> {
  const { held = [] } = await navigator.locks.query();
  return held.flatMap(({ name = '' }) => (name.includes(':tab:') ? [name] : []));
}

test('a React page whose component or hook is edited keeps one runtime, and hears each event once', async ({
  newDevice,
  newFolder,
}) => {
  const site = await develop(await newFolder());
  try {
    const page = await (await newDevice()).newPage();
    await page.goto(site.url);
    await add(page, 'a');
    await page.evaluate(() => Reflect.set(globalThis, 'isTheSamePage', true));

    await site.edit('app.jsx', 'the first version', 'another version');
    await expect(page.getByRole('heading')).toHaveText('another version');
    await expect.poll(() => page.workers().length).toBe(1);
    await add(page, 'b');

    await site.edit('todos.tsx', 'to send', 'to be sent');
    await expect(page.getByRole('status')).toContainText('to be sent');
    await expect.poll(() => page.workers().length).toBe(1);
    await add(page, 'c');

    expect(await page.evaluate(() => heard)).toHaveLength(6);
    expect(await page.evaluate(() => Reflect.get(globalThis, 'isTheSamePage'))).toBe(true);
    // One tab of the device, and not one for each version.
    await expect.poll(() => page.evaluate(tabs)).toHaveLength(1);
  } finally {
    await site.close();
  }
});
