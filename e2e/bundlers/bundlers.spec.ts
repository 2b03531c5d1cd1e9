// Every bundler finds the worker, from the packed package, by the one line that the README names for it.
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { expect, test as base, type Page } from '@playwright/test';
import { startChild, type Child } from '../src/child.ts';
import { serveStrictly } from '../src/static.ts';
import { installStranger, type Stranger } from '../src/stranger.ts';

const test = base.extend<object, { readonly stranger: Stranger }>({
  stranger: [
    // oxlint-disable-next-line no-empty-pattern -- Playwright reads a fixture's needs from its first parameter.
    async ({}, use) => {
      const stranger = await installStranger();
      await use(stranger);
      await stranger.remove();
    },
    // Two hundred packages, from a registry that may be slow.
    { scope: 'worker', timeout: 300_000 },
  ],
});

/** Opens the page, and reads what its application heard. */
async function outcome(page: Page, url: string): Promise<unknown> {
  await page.goto(url);
  const output = page.locator('output');
  await expect(output).not.toBeEmpty();
  // It is the shipped worker that stored it, and not a page that made do without.
  expect(page.workers()).toHaveLength(1);
  return JSON.parse(await output.innerText());
}

const heard = { heard: 'hello', handled: 'hello', storage: 'indexeddb' };

/** Puts the page beside what was built, as an application's own server would have it. */
async function besides(stranger: Stranger, folder: string): Promise<string> {
  const dist = join(stranger.folder, folder, 'dist');
  await cp(join(stranger.folder, 'app/index.html'), join(dist, 'index.html'));
  return dist;
}

async function servedStrictly(page: Page, folder: string, path = '/'): Promise<unknown> {
  const site = await serveStrictly(folder);
  try {
    return await outcome(page, site.url + path);
  } finally {
    await site.close();
  }
}

/** Where a server says that it listens. */
async function addressOf(server: Child): Promise<string> {
  return stripVTControlCharacters(await server.line(/http:/)).replace(/^.*?(http:\S+).*$/, '$1');
}

test('TypeScript compiles what uses it, skipping no types, by what Vite’s template knows of the language', async ({
  stranger,
}) => {
  await stranger.run('types', 'tsc', '-p', '.');
});

test('Vite builds it, under a strict content security policy', async ({ stranger, page }) => {
  await stranger.run('app', 'vite', 'build', '--logLevel', 'error', '--outDir', '../vite/dist');
  expect(await servedStrictly(page, join(stranger.folder, 'vite/dist'))).toEqual(heard);
});

test('Vite serves it while one develops', async ({ stranger, page }) => {
  const vite = join(stranger.folder, 'node_modules/.bin/vite');
  const server = startChild(vite, [join(stranger.folder, 'app'), '--host', '127.0.0.1', '--port', '0']);
  const url = await addressOf(server);
  expect(await outcome(page, url)).toEqual(heard);
  await server.end('SIGTERM');
});

test('webpack builds it, under a strict content security policy', async ({ stranger, page }) => {
  await stranger.run('webpack', 'webpack');
  expect(await servedStrictly(page, await besides(stranger, 'webpack'))).toEqual(heard);
});

test('Rspack builds it, under a strict content security policy', async ({ stranger, page }) => {
  await stranger.run('rspack', 'rspack', 'build');
  expect(await servedStrictly(page, await besides(stranger, 'rspack'))).toEqual(heard);
});

test('esbuild builds it, where the worker is a second entry', async ({ stranger, page }) => {
  const entries = ['main=main.js', 'worker=@godwit/client/worker'];
  const options = ['--bundle', '--format=esm', '--splitting', '--outdir=../esbuild/dist', '--log-level=warning'];
  await stranger.run('app', 'esbuild', ...entries, ...options);
  expect(await servedStrictly(page, await besides(stranger, 'esbuild'))).toEqual(heard);
});

test('Rollup builds it, where the worker is a second entry', async ({ stranger, page }) => {
  await stranger.run('rollup', 'rollup', '--config', '--silent');
  expect(await servedStrictly(page, await besides(stranger, 'rollup'))).toEqual(heard);
});

test('Next.js builds it, renders it on the server, and runs it in the page', async ({ stranger, page }) => {
  await stranger.run('next', 'next', 'build');
  const next = join(stranger.folder, 'node_modules/.bin/next');
  const server = startChild(next, ['start', join(stranger.folder, 'next'), '--hostname', '127.0.0.1', '--port', '0']);
  const url = await addressOf(server);
  expect(await outcome(page, url)).toEqual(heard);
  await server.end('SIGTERM');
});

test('wrangler builds it for a Worker, which gets a runtime in memory', async ({ stranger }) => {
  const args = ['dev', '--cwd', join(stranger.folder, 'wrangler'), '--port', '0', '--ip', '127.0.0.1'];
  const server = startChild('env', ['WRANGLER_SEND_METRICS=false', 'wrangler', ...args]);
  const url = /http:\/\/\S+/.exec(await server.line(/Ready on http:/))?.[0] ?? '';
  expect(await (await fetch(url)).json()).toEqual({ ...heard, storage: 'memory' });
  await server.end('SIGTERM');
});

test('no bundler at all: an import map is enough', async ({ stranger, page }) => {
  expect(await servedStrictly(page, stranger.folder, '/plain/')).toEqual(heard);
});
