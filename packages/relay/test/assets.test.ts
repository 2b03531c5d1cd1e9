// Files beside the API: for a page and its relay on one port.
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { connect } from 'node:net';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { folder, start } from './relay.ts';

async function startWithAssets() {
  const outside = await folder();
  await writeFile(join(outside, 'secret.txt'), 'secret');
  const assets = join(outside, 'dist');
  await mkdir(join(assets, 'assets'), { recursive: true });
  await mkdir(join(assets, 'v1'));
  await writeFile(join(assets, 'index.html'), '<title>board</title>');
  await writeFile(join(assets, 'assets', 'app-1a2b.js'), 'export {};');
  await writeFile(join(assets, 'style.css'), 'a{}');
  await writeFile(join(assets, 'v1', 'stats'), 'not the API');
  return start({}, { assets });
}

test('a page, its scripts and styles are served with their types, beside the API', async () => {
  const { url, close } = await startWithAssets();
  for (const [path, type, cached] of [
    ['/', 'text/html', 'no-cache'],
    ['/index.html', 'text/html', 'no-cache'],
    ['/assets/app-1a2b.js', 'text/javascript', 'immutable'],
    ['/style.css', 'text/css', 'no-cache'],
  ]) {
    const response = await fetch(url + path);
    expect([path, response.status]).toEqual([path, 200]);
    expect(response.headers.get('content-type')).toContain(type);
    expect(response.headers.get('cache-control')).toContain(cached);
    await response.text();
  }
  expect(await (await fetch(`${url}/v1/stats`)).json()).toMatchObject({ published: 0 });
  expect((await fetch(`${url}/nope.js`)).status).toBe(404);
  expect((await fetch(`${url}/style.css`, { method: 'POST' })).status).toBe(404);
  await close();
});

test('nothing outside of the folder is served', async () => {
  const { url, close } = await startWithAssets();
  const { hostname, port } = new URL(url);
  for (const path of [
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/assets/../../secret.txt',
    '//secret.txt',
    '/%2e%2e%5csecret.txt',
    '/....//secret.txt',
    '/%00/../secret.txt',
  ]) {
    const socket = connect(Number(port), hostname);
    socket.end(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString()));
    await once(socket, 'close');
    expect([path, answer.slice(0, 12)]).toEqual([path, expect.stringMatching(/^HTTP\/1\.1 4/)]);
  }
  await close();
});

test('a link that leads out of the folder leads to nothing, and one within it to its file', async () => {
  const outside = await folder();
  await mkdir(join(outside, 'releases', '1'), { recursive: true });
  for (const path of ['secret.txt', 'index.html']) await writeFile(join(outside, path), 'secret');
  const its = (path: string): string => join(outside, 'releases', '1', path);
  await writeFile(its('page.html'), 'page');
  await symlink('page.html', its('index.html'));
  await symlink('../../secret.txt', its('secret.txt'));
  await symlink('../..', its('up'));
  await mkdir(its('sub'));
  await symlink('../../../index.html', its('sub/index.html'));
  // The folder itself may be a link, as to the newest of several.
  await symlink(join('releases', '1'), join(outside, 'current'));
  const { url, close } = await start({}, { assets: join(outside, 'current') });
  for (const path of ['/', '/page.html', '/index.html']) {
    expect([path, await (await fetch(url + path)).text()]).toEqual([path, 'page']);
  }
  await mkdir(join(outside, 'releases', '2'));
  await writeFile(join(outside, 'releases', '2', 'page.html'), 'newer');
  await symlink(join('releases', '2'), join(outside, 'next'));
  await rename(join(outside, 'next'), join(outside, 'current'));
  expect(await (await fetch(`${url}/page.html`)).text()).toBe('newer');
  await rm(join(outside, 'current'));
  await symlink(join('releases', '1'), join(outside, 'current'));
  for (const path of ['/secret.txt', '/up', '/up/', '/up/secret.txt', '/sub', '/sub/', '/sub/index.html']) {
    expect([path, (await fetch(url + path)).status]).toEqual([path, 404]);
  }
  await close();
});

test('what is no file is not there: a pipe, a folder called index.html', async () => {
  const assets = await folder();
  await mkdir(join(assets, 'sub', 'index.html'), { recursive: true });
  execFileSync('mkfifo', [join(assets, 'pipe')]);
  const { url, close } = await start({}, { assets });
  for (const path of ['/pipe', '/sub', '/sub/', '/sub/index.html', '/sub%00', `/${'x'.repeat(5000)}`]) {
    expect([path, (await fetch(url + path)).status]).toEqual([path, 404]);
  }
  await close();
});

test('what is hidden in the folder is not served, but what is well known there', async () => {
  const assets = await folder();
  for (const path of ['.env', '.git/config', 'sub/.htpasswd', '.well-known/security.txt', 'v1.html']) {
    await mkdir(dirname(join(assets, path)), { recursive: true });
    await writeFile(join(assets, path), path);
  }
  const { url, close } = await start({}, { assets });
  const statusOf = async (path: string): Promise<number> => (await fetch(url + path)).status;
  for (const path of ['/.env', '/%2eenv', '/.git/config', '/sub/.htpasswd', '/sub%2f.htpasswd', '/sub%5c.htpasswd']) {
    expect([path, await statusOf(path)]).toEqual([path, 404]);
  }
  for (const path of ['/.well-known/security.txt', '/v1.html']) expect(await statusOf(path)).toBe(200);
  await close();
});

test.each(['', 'data', '.data', 'sub/../data'])(
  'a relay does not start where its file would lie among what it serves, as in %j',
  async (within) => {
    const assets = await folder();
    await expect(start({}, { assets, data: join(assets, within) })).rejects.toMatchObject({
      name: 'InvalidOptions',
      message: expect.stringMatching(/--data .* lies in .*--assets/),
    });
    expect(await readdir(assets)).toEqual([]);
  },
);

test.each(['link/data', 'data'])('nor by a link, as to %s', async (at) => {
  const outside = await folder();
  const assets = join(outside, 'assets');
  await mkdir(assets);
  await symlink(assets, join(outside, 'link'));
  await symlink(join(assets, 'within'), join(outside, 'data'));
  await mkdir(join(assets, 'within'));
  await expect(start({}, { assets, data: join(outside, at) })).rejects.toMatchObject({ name: 'InvalidOptions' });
  await expect(start({}, { assets: join(outside, 'link'), data: join(assets, 'data') })).rejects.toMatchObject({
    name: 'InvalidOptions',
  });
  expect(await readdir(join(assets, 'within'))).toEqual([]);
});
