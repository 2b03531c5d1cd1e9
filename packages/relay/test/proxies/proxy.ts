// Reverse proxies for the tests: programs of others, each with the very file of deploy/ that an operator copies.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { freePort } from '../mqtt/broker.ts';

/** A proxy that runs in front of a relay. */
export interface Proxy {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts a proxy in front of what listens at a port, or will. */
export type StartProxy = (relayPort: number) => Promise<Proxy>;

/** Debian's nginx. */
export const nginx: StartProxy = (relayPort) =>
  // A word to its first process, which ends the others: killed, it would leave them behind.
  run('SIGTERM', async (folder, port) => {
    const page = pageOf('nginx.conf', {
      '127.0.0.1:8787': `127.0.0.1:${relayPort}`,
      'listen 8080;': `listen ${port};`,
    });
    await writeFile(join(folder, 'godwit.conf'), page);
    // What Debian's own file says around it, as far as it matters here.
    const around = [
      // As another user it could not read this folder.
      ...(userInfo().uid === 0 ? ['user root;'] : []),
      'worker_processes 1;',
      'daemon off;',
      `pid ${folder}/pid;`,
      'error_log stderr;',
      'events { worker_connections 2048; }',
      'http {',
      'access_log off;',
      ...['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`),
      'gzip on;',
      `include ${folder}/godwit.conf;`,
      '}',
    ];
    await writeFile(join(folder, 'nginx.conf'), around.join('\n'));
    return ['nginx', '-e', 'stderr', '-p', folder, '-c', join(folder, 'nginx.conf')];
  });

/** Debian's Caddy. */
export const caddy: StartProxy = (relayPort) =>
  // Asked to end, it waits for its streams.
  run('SIGKILL', async (folder, port) => {
    const page = pageOf('Caddyfile', { '127.0.0.1:8787': `127.0.0.1:${relayPort}`, ':8080 {': `:${port} {` });
    const file = join(folder, 'Caddyfile');
    // Several run at once, and the port of its administration is one.
    await writeFile(file, `{\n\tadmin off\n}\n${page}`);
    return ['caddy', 'run', '--adapter', 'caddyfile', '--config', file];
  });

/** The page as it stands in deploy/, at this test's ports: each stands there once, or the page says something else by now. */
function pageOf(name: string, ports: Readonly<Record<string, string>>): string {
  let page = readFileSync(join(import.meta.dirname, '../../deploy', name), 'utf8');
  for (const [theirs, ours] of Object.entries(ports)) {
    const [before, after, ...more] = page.split(theirs);
    expect([name, theirs, after !== undefined && more.length === 0]).toEqual([name, theirs, true]);
    page = `${before}${ours}${after}`;
  }
  return page;
}

async function run(
  signal: NodeJS.Signals,
  prepare: (folder: string, port: number) => Promise<readonly [program: string, ...args: string[]]>,
): Promise<Proxy> {
  const folder = await mkdtemp(join(tmpdir(), 'godwit-'));
  const port = await freePort();
  const [program, ...args] = await prepare(folder, port);
  // Debian keeps servers where only root looks.
  const env = { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder };
  const path = `${process.env['PATH'] ?? ''}:/usr/sbin`;
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...env, PATH: path } });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(child, 'close');
  const failed = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${program} ended with ${code}: ${said}`)));
  });
  failed.catch(() => undefined);
  await Promise.race([failed, expect.poll(() => isListening(port)).toBe(true)]);
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      child.kill(signal);
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
