// Crowds at the real process: ten thousand connections that ask for little.
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { expect, onTestFinished, test } from 'vitest';
import { eventOf } from '../src/testing/index.ts';
import { runRelay } from './command.ts';
import { folder, secret } from './relay.ts';

/** So many come at once: a listener's queue holds 511 (Node's `backlog`). */
const atOnce = 250;

interface Crowd {
  readonly url: string;
  readonly pid: number;
  readonly child: ReturnType<typeof runRelay>;
  readonly headers: Readonly<Record<string, string>>;
  /** Opens a stream by hand; `heard` gets its text. */
  join(heard: (text: string) => void): Promise<Socket>;
}

async function gather(): Promise<Crowd> {
  const data = await folder();
  const key = join(data, 'key');
  await writeFile(key, secret);
  const child = runRelay('--port', '0', '--data', data, '--secret-file', key, '--durability', 'os');
  const url = await child.ready;
  const all = { publish: ['*'], subscribe: ['*'] };
  const token = await new SignJWT(all).setProtectedHeader({ alg: 'HS256' }).sign(secret);
  const headers = { authorization: `Bearer ${token}` };
  const { hostname, port, host } = new URL(url);
  return {
    url,
    pid: child.child.pid ?? 0,
    child,
    headers,
    join: (heard) =>
      new Promise((resolve, reject) => {
        const socket = connect(Number(port), hostname);
        onTestFinished(() => void socket.destroy());
        socket.once('error', reject).once('close', () => reject(new Error('the relay has ended the connection')));
        socket.setEncoding('utf8').on('data', (text) => {
          heard(String(text));
          resolve(socket);
        });
        socket.write(
          `GET /v1/channels/room/events HTTP/1.1\r\nHost: ${host}\r\nAccept: text/event-stream\r\nAuthorization: ${headers.authorization}\r\n\r\n`,
        );
      }),
  };
}

/** What the process holds, in bytes (proc_pid_status(5)). */
function residentBytes(pid: number): number {
  const [, kib = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) * 1024;
}

/** As many connections as the machine lets a process have (proc_pid_limits(5)). */
function openFilesMax(): number {
  const [, hard = 'Infinity'] = /^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return Math.floor(Number(hard) / atOnce) * atOnce;
}

async function publish({ url, headers }: Crowd): Promise<void> {
  const response = await fetch(`${url}/v1/channels/room/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/cloudevents+json', ...headers },
    body: JSON.stringify(eventOf('1')),
  });
  expect(response.status).toBe(200);
  await response.text();
}

async function statOf({ url, headers }: Crowd): Promise<Record<string, unknown>> {
  return (await (await fetch(`${url}/v1/channels/room`, { headers })).json()) as Record<string, unknown>;
}

/** Ten thousand of anything take this machine a while. */
const soon = { timeout: 60_000 };

test(
  'ten thousand idle connections cost little memory, each gets what comes, and each is told when the relay goes',
  { timeout: 120_000 },
  async () => {
    const crowd = await gather();
    const readers = Math.min(10_000, openFilesMax() - 2 * atOnce);
    const signs = ['event: connected\n', '"id":"1"', 'event: drain\n'] as const;
    /** How many have heard each. */
    const counts = new Map<string, number>();
    const listen = (): ((text: string) => void) => {
      let all = '';
      const missing = new Set<string>(signs);
      return (text) => {
        all += text;
        for (const sign of missing) {
          if (!all.includes(sign)) continue;
          missing.delete(sign);
          counts.set(sign, (counts.get(sign) ?? 0) + 1);
        }
      };
    };
    const [connected, heard, drained] = signs;
    const before = residentBytes(crowd.pid);
    for (let opened = 0; opened < readers; opened += atOnce) {
      await Promise.all(Array.from({ length: atOnce }, () => crowd.join(listen())));
    }
    await expect.poll(() => counts.get(connected), soon).toBe(readers);
    expect(await statOf(crowd)).toMatchObject({ subscribers: readers });
    // What is asked for is 12 KiB; that a garbage collector has not come by yet is no one's loss.
    expect((residentBytes(crowd.pid) - before) / readers).toBeLessThan(24 * 1024);
    await publish(crowd);
    await expect.poll(() => counts.get(heard), soon).toBe(readers);
    await expect.poll(() => statOf(crowd), soon).toMatchObject({ delivered: readers, queueDepth: 0 });
    crowd.child.child.kill('SIGTERM');
    expect(await crowd.child.ended).toBe(0);
    await expect.poll(() => counts.get(drained), soon).toBe(readers);
  },
);
