// The commands of README.md, as a newcomer runs them.
import { createServer } from 'node:net';
import { note, post, readAll } from '../src/http.ts';
import { expect, test } from '../src/test.ts';

/** A port that nobody listens on. */
async function freePort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  if (address === null || typeof address === 'string') throw new Error('no port');
  return String(address.port);
}

/** npm's own lines: the script's name, and the command behind it. */
const npmsOwn = /^(> |$)/;

test('`npm run relay` prints one line, keeps what it took, and ends with 0 on SIGTERM', async ({ newFolder, run }) => {
  const data = await newFolder();
  const port = await freePort();
  for (const known of [0, 1]) {
    const npm = run('npm', ['run', 'relay', '--', '--port', port, '--data', data, '--insecure']);
    const line = await npm.line(/https?:\/\//);
    expect(line).toContain(port);
    const url = `http://127.0.0.1:${port}`;
    expect(await readAll(url, 'notes')).toHaveLength(known);
    await post(url, 'notes', [note('alice', known)]);

    expect(await npm.end('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(npm.lines.filter((said) => !npmsOwn.test(said))).toEqual([line]);
    await expect(fetch(url), 'the relay has ended with npm').rejects.toThrow();
  }
});

test('`npm run relay` without a key and without --insecure refuses to start, and says so', async ({
  newFolder,
  run,
}) => {
  const data = await newFolder();
  const npm = run('sh', ['-c', `npm run relay -- --port 0 --data '${data}' 2>&1`]);

  expect(await npm.line(/--insecure/)).toContain('--secret-file');
  await expect(npm.line(/https?:\/\//)).rejects.toThrow('ended');
  expect((await npm.end('SIGTERM')).code).not.toBe(0);
});

test('`npm start` builds the demo, serves it with the relay on one port, and prints the URL', async ({
  newDevice,
  newFolder,
  run,
}) => {
  const data = await newFolder();
  const port = await freePort();
  const npm = run('npm', ['start', '--', '--port', port, '--data', data]);
  const url = /https?:\/\/\S+/.exec(await npm.line(/https?:\/\//))?.[0] ?? '';
  expect(new URL(url).port).toBe(port);
  const page = await (await newDevice()).newPage();
  await page.goto(`${url}/?rate=0`);
  await expect(page.getByTestId('connection')).toHaveText('online');
  await page.getByTestId('publish-100').click();
  await expect(page.getByTestId('delivered')).toHaveText('100');
  await page.close();
  expect(await npm.end('SIGTERM')).toEqual({ code: 0, signal: null });
});

test('what `npm start` starts says in a sentence that its port is taken', async ({ relay, newFolder, run }) => {
  const { port } = new URL(relay.url);
  const server = `node --conditions=@godwit/source apps/demo/server.ts --port ${port} --data '${await newFolder()}'`;
  const demo = run('sh', ['-c', `${server} 2>&1`]);

  expect(await demo.line(/cannot listen/)).toContain('name another --port');
  expect((await demo.end('SIGTERM')).code).not.toBe(0);
  expect(demo.lines.filter((line) => /^\s+at /.test(line))).toEqual([]);
});
