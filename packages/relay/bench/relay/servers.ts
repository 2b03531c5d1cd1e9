// The servers that are measured side by side, each started on the same core, and how each is spoken to.
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import type { Durability } from '../../src/node/index.ts';
import { tokenCommand } from '../../src/node/token-command.ts';
import type { Burst, Target } from './burst.ts';
import { serverCore, startOn } from './processes.ts';

/** A server that runs. */
export interface Server {
  readonly name: string;
  /** Where a burst goes: a channel of its own each time, since events' ids come again. */
  target(burst: Burst): Target;
  stop(): Promise<void>;
}

const bare = '%s';
const event = '{"specversion":"1.0","id":"%d","source":"/bench","type":"bench.sent","data":%s}';
/** Debian's place for nginx's modules. */
const nginxModules = '/usr/lib/nginx/modules';

let channels = 0;
function nextChannel(): string {
  channels += 1;
  return `b${channels}`;
}

/** Our relay as the command runs it: a log on the disk, and authority on. */
export async function startRelay(durability: Durability): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-bench-'));
  const secret = join(folder, 'secret');
  writeFileSync(secret, crypto.randomUUID().repeat(2));
  const main = join(import.meta.dirname, '../../src/node/main.ts');
  const child = startOn(serverCore, process.execPath, [
    '--conditions=@godwit/source',
    main,
    '--port=0',
    `--data=${folder}`,
    `--secret-file=${secret}`,
    `--durability=${durability}`,
  ]);
  const port = Number(new URL((await firstLine(child)).split(' ').at(-1) ?? '').port);
  const token = (await tokenCommand(['--secret-file', secret, '--publish', '*', '--subscribe', '*'])).trim();
  const authorization = `Authorization: Bearer ${token}`;
  return {
    name: durability === 'os' ? 'godwit' : 'godwit, fsync',
    target({ workload }) {
      const path = `/v1/channels/${nextChannel()}/events`;
      const type = workload.kind === 'batches' ? 'cloudevents-batch' : 'cloudevents';
      return {
        port,
        pid: child.pid ?? 0,
        subscribePath: path,
        publishPath: path,
        subscribeHeaders: [authorization, 'Accept: text/event-stream'],
        publishHeaders: [authorization, `Content-Type: application/${type}+json`],
        template: event,
      };
    },
    stop: () => ended(child, folder),
  };
}

/** Hono's `streamSSE`, without a log, without authority. */
export const startHono = (): Promise<Server> => startScript('Hono streamSSE', 'hono-peer.ts');

/** What Node gives: a server on `node:http` that does nothing but read an event, write it to every reader, and answer. */
export const startBare = (): Promise<Server> => startScript('bare node:http', 'bare-peer.ts');

async function startScript(name: string, file: string): Promise<Server> {
  const child = startOn(serverCore, process.execPath, [join(import.meta.dirname, file)]);
  const port = Number(new URL(await firstLine(child)).port);
  return {
    name,
    target: () => plain(child, port, `/subscribe/${nextChannel()}`, `/publish/b${channels}`),
    stop: () => ended(child),
  };
}

/** Nchan in memory, one worker; undefined where nginx or its module is not installed. */
export async function startNchan(): Promise<Server | undefined> {
  if (!existsSync(join(nginxModules, 'ngx_nchan_module.so'))) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'godwit-nchan-'));
  mkdirSync(join(folder, 'logs'));
  symlinkSync(nginxModules, join(folder, 'modules'));
  const port = await freePort();
  writeFileSync(join(folder, 'nginx.conf'), nchanConfig(port));
  const child = startOn(serverCore, 'nginx', ['-p', folder, '-c', 'nginx.conf']);
  await answers(port);
  return {
    name: 'Nchan',
    target: () => plain(child, port, `/subscribe?channel=${nextChannel()}`, `/publish?channel=b${channels}`),
    stop: () => ended(child, folder),
  };
}

/** The server in C of `--tools`: what the machine gives, without HTTP's and a log's duties; undefined where there is none. */
export async function startFloor(tools: string | undefined): Promise<Server | undefined> {
  if (tools === undefined || !existsSync(join(tools, 'csrv'))) return undefined;
  const port = await freePort();
  const child = startOn(serverCore, join(tools, 'csrv'), [String(port), 'direct', 'identity']);
  await answers(port);
  return { name: 'C', target: () => plain(child, port, '/subscribe', '/publish'), stop: () => ended(child) };
}

/** As its manual tunes it for a broadcast: no log of accesses, no delay, as much memory as it wants, messages in order. */
function nchanConfig(port: number): string {
  const channel = 'nchan_channel_id $arg_channel;';
  return `
load_module modules/ngx_nchan_module.so;
daemon off; worker_processes 1; pid nginx.pid; error_log logs/error.log warn;${process.getuid?.() === 0 ? ' user root;' : ''}
worker_rlimit_nofile 20000;
events { worker_connections 16000; use epoll; multi_accept on; }
http {
  access_log off; tcp_nodelay on; keepalive_timeout 3600s; keepalive_requests 100000000;
  client_body_buffer_size 256k; client_max_body_size 8m; nchan_shared_memory_size 512M;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /subscribe {
      nchan_subscriber eventsource; ${channel} nchan_subscriber_first_message newest; nchan_eventsource_ping_interval 0;
    }
    location = /publish { nchan_publisher; ${channel} nchan_message_buffer_length 1000; nchan_message_timeout 10m; }
  }
}
`;
}

function plain(child: ChildProcess, port: number, subscribePath: string, publishPath: string): Target {
  return {
    port,
    pid: child.pid ?? 0,
    subscribePath,
    publishPath,
    subscribeHeaders: ['Accept: text/event-stream'],
    publishHeaders: ['Content-Type: application/json'],
    template: bare,
  };
}

async function firstLine(child: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk);
    if (text.includes('\n')) break;
  }
  return text.split('\n')[0] ?? '';
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Resolves once something answers at the port. */
async function answers(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nothing answers at port ${port}`);
}

async function ended(child: ChildProcess, folder?: string): Promise<void> {
  const isOver = once(child, 'exit');
  child.kill('SIGTERM');
  await isOver;
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
}
