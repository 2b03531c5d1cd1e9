// A relay of the test's own: it can be killed, and comes back on the same port with the same data.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Limits } from '@godwit/core/protocol';
import { startChild, root, type Child } from './child.ts';

/** A relay as a process. */
export interface RelayProcess {
  /** Stays the same when it is started again. */
  readonly url: string;
  /** SIGKILL: no word of farewell, nothing flushed. */
  kill(): Promise<void>;
  /** SIGTERM: drains, then ends. */
  stop(): Promise<void>;
  /** Starts it again. */
  start(): Promise<void>;
  /** Puts a copy in the place of its data, while it does not run. */
  restore(file: Uint8Array): Promise<void>;
  /** Stops it and forgets its data. */
  remove(): Promise<void>;
}

/** The pages that a relay can serve beside its API. */
export const pages = {
  /** The bare page of page/. */
  bare: join(root, 'e2e/dist'),
  /** A copy of it, which `setup.ts` makes. */
  demo: join(root, 'e2e/test-results/demo'),
} as const;

/** Starts a relay on a free port with data of its own. */
export async function startRelay(assets: string, limits: Partial<Limits> = {}): Promise<RelayProcess> {
  const data = await mkdtemp(join(tmpdir(), 'godwit-e2e-'));
  let child: Child | undefined;
  let url = '';

  async function start(): Promise<void> {
    const port = url === '' ? '0' : new URL(url).port;
    child = startChild('node', [
      '--conditions=@godwit/source',
      'e2e/src/serve.ts',
      '--port',
      port,
      '--data',
      data,
      '--assets',
      assets,
      '--limits',
      JSON.stringify(limits),
    ]);
    url = (await child.line(/^https?:/)).replace(/\/$/, '');
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const ending = child;
    child = undefined;
    await ending?.end(signal);
  }

  await start();
  return {
    url,
    start,
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    async restore(file) {
      await rm(data, { recursive: true });
      await mkdir(data);
      await writeFile(join(data, 'godwit.sqlite'), file);
    },
    async remove() {
      // The test is over and its tabs may still hold streams: nobody waits for a drain.
      await end('SIGKILL');
      await rm(data, { recursive: true, force: true });
    },
  };
}
