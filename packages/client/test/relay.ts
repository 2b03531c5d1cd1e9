// Real relays for the tests, as `npm run relay` starts them: each a process with a folder of its own, gone with its test.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { BrowserCommand } from 'vitest/node';

/** A relay that runs. */
export interface TestRelay {
  readonly url: string;
  /** Kills it, as a power cut does, and throws away what it held. Doing it twice is doing it once. */
  kill(): Promise<void>;
}

const main = fileURLToPath(new URL('../../relay/src/node/main.ts', import.meta.url));

/** Starts an empty relay that is open to all. */
export async function startTestRelay(): Promise<TestRelay> {
  const data = await mkdtemp(join(tmpdir(), 'godwit-client-'));
  const options = ['--port', '0', '--data', data, '--insecure', '--durability', 'os'];
  const child = spawn(process.execPath, ['--conditions=@godwit/source', main, ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const [line] = await Promise.race([
    once(createInterface(child.stdout), 'line'),
    exited.then(() => ['the relay did not start']),
  ]);
  const [url] = /http:\S+/.exec(String(line)) ?? [];
  if (url === undefined) throw new Error(`expected the relay's address, got: ${String(line)}`);
  let killing: Promise<void> | undefined;
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
    await rm(data, { recursive: true, force: true });
  };
  return {
    url,
    kill() {
      killing ??= kill();
      return killing;
    },
  };
}

/** How many read a channel, as the relay counts them. */
export async function subscribersOf(url: string, channel: string): Promise<number> {
  const response = await fetch(`${url}/v1/channels/${encodeURIComponent(channel)}`);
  const stat: unknown = await response.json();
  if (typeof stat === 'object' && stat !== null && 'subscribers' in stat && typeof stat.subscribers === 'number') {
    return stat.subscribers;
  }
  throw new Error(`the relay answered ${response.status} instead of counts`);
}

const relays = new Map<string, TestRelay>();

/** Starts a relay for a test in the browser, and answers its address. */
const openRelay: BrowserCommand = async () => {
  const relay = await startTestRelay();
  relays.set(relay.url, relay);
  return relay.url;
};

const killRelay: BrowserCommand<[url: string]> = async (_context, url) => {
  await relays.get(url)?.kill();
  relays.delete(url);
};

const subscribers: BrowserCommand<[url: string, channel: string]> = (_context, url, channel) =>
  subscribersOf(url, channel);

/** What tests in the browser ask of Node. */
export const relayCommands = { openRelay, killRelay, subscribers };

declare module 'vitest/browser' {
  interface BrowserCommands {
    openRelay(): Promise<string>;
    killRelay(url: string): Promise<void>;
    subscribers(url: string, channel: string): Promise<number>;
  }
}
