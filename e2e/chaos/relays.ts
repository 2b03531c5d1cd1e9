// The relay that is tried, as real processes on data of its own: killed, stopped and held, it comes back where it was.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../src/child.ts';
import type { RelayKind } from './options.ts';
import { freePort } from './ports.ts';
import { startProgram, type Program } from './processes.ts';
import { brief } from './tale.ts';

/** How many events of the brief channel the relay keeps at least: some seconds of it. */
export const briefKept = 500;

/** A relay. */
export interface Relay {
  readonly url: string;
  readonly port: number;
  /** Starts it, and resolves once it serves. */
  start(): Promise<void>;
  /** SIGKILL to all of its processes. */
  kill(): Promise<void>;
  /** SIGTERM: it drains, and ends. */
  stop(): Promise<void>;
  /** SIGSTOP and SIGCONT: the machine has no time for it. */
  hold(): void;
  release(): void;
  remove(): Promise<void>;
}

/** Makes a relay that keeps its data in `folder`, and does not start it yet. */
export async function makeRelay(kind: RelayKind, folder: string): Promise<Relay> {
  const port = await freePort();
  const settings = await mkdtemp(join(tmpdir(), 'godwit-chaos-'));
  const launch = kind === 'node' ? launchNode(port, folder) : await launchWorkerd(port, folder, settings);
  let program: Program | undefined;

  async function end(signal: NodeJS.Signals): Promise<void> {
    const ending = program;
    program = undefined;
    await ending?.end(signal);
  }

  return {
    url: `http://127.0.0.1:${port}`,
    port,
    async start() {
      program = launch();
      await program.line(/^godwit relay http|Ready on http/);
    },
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    hold: () => program?.signal('SIGSTOP'),
    release: () => program?.signal('SIGCONT'),
    async remove() {
      await end('SIGKILL');
      await rm(settings, { recursive: true, force: true });
    },
  };
}

function launchNode(port: number, folder: string): () => Program {
  const options = ['--insecure', '--cors', '*', '--retention', `${brief}=1h,${briefKept},64MB`];
  const place = ['--port', String(port), '--host', '127.0.0.1', '--data', folder];
  const command = ['--conditions=@godwit/source', 'packages/relay/src/node/main.ts', ...place, ...options];
  return () => startProgram('node', command);
}

/** The Worker of apps/edge, with what this run wants otherwise. */
async function launchWorkerd(port: number, folder: string, settings: string): Promise<() => Program> {
  const config = {
    name: 'godwit-chaos',
    main: join(root, 'apps/edge/src/index.ts'),
    compatibility_date: '2026-10-01',
    durable_objects: { bindings: [{ name: 'CHANNELS', class_name: 'ChannelObject' }] },
    migrations: [{ tag: 'v1', new_sqlite_classes: ['ChannelObject'] }],
    vars: {
      GODWIT_INSECURE: 'true',
      GODWIT_CORS: '*',
      GODWIT_RETENTION: [{ channels: brief, retentionEvents: briefKept }],
    },
  };
  const file = join(settings, 'wrangler.json');
  await writeFile(file, JSON.stringify(config));
  const place = ['--port', String(port), '--ip', '127.0.0.1', '--inspector-port', String(await freePort())];
  const command = ['dev', '--config', file, '--persist-to', folder, ...place, '--show-interactive-dev-session=false'];
  const env = {
    WRANGLER_BUILD_CONDITIONS: '@godwit/source,workerd,worker,browser',
    WRANGLER_SEND_METRICS: 'false',
    CI: '1',
  };
  return () => startProgram(join(root, 'node_modules/.bin/wrangler'), command, env);
}
