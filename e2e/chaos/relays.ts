// The relay that is tried, as real processes on data of its own: killed, stopped and held, it comes back where it was.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
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
  const url = `http://127.0.0.1:${port}`;
  let program: Program | undefined;

  async function end(signal: NodeJS.Signals): Promise<void> {
    const ending = program;
    program = undefined;
    await ending?.end(signal);
  }

  return {
    url,
    port,
    async start() {
      program = launch();
      const looking = new AbortController();
      await Promise.race([ready(url, looking.signal), program.line(never)]).finally(() => looking.abort());
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

/** What no program says: waiting for it rejects when the program ends, with its last words. */
const never = /(?!)/;
/** Between two looks, in milliseconds. */
const lookMs = 20;

async function ready(url: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const { ok } = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(1000) });
      if (ok) return;
    } catch {
      // Nobody listens yet.
    }
    await setTimeout(lookMs);
  }
}

function launchNode(port: number, folder: string): () => Program {
  const options = ['--insecure', '--cors', '*', '--retention', `${brief}=1h,${briefKept},64MB`];
  const place = ['--port', String(port), '--host', '127.0.0.1', '--data', folder];
  const command = ['--conditions=@godwit/source', 'packages/relay/src/node/main.ts', ...place, ...options];
  return () => startProgram('node', command);
}

/**
 * The Worker of apps/edge, bundled as it is deployed, under workerd itself: what `wrangler dev` puts in between takes longer to
 * start than most faults last.
 */
async function launchWorkerd(port: number, folder: string, settings: string): Promise<() => Program> {
  const worker = {
    name: 'godwit-chaos',
    main: join(root, 'apps/edge/src/index.ts'),
    compatibility_date: compatibilityDate,
    durable_objects: { bindings: [{ name: 'CHANNELS', class_name: 'ChannelObject' }] },
    migrations: [{ tag: 'v1', new_sqlite_classes: ['ChannelObject'] }],
  };
  const [file, config] = [join(settings, 'wrangler.json'), join(settings, 'relay.capnp')];
  await writeFile(file, JSON.stringify(worker));
  await writeFile(config, workerdConfig(port, folder));
  const bundle = startProgram('wrangler', ['deploy', '--dry-run', '--outdir', settings, '--config', file], {
    WRANGLER_BUILD_CONDITIONS: '@godwit/source,workerd,worker,browser',
    WRANGLER_SEND_METRICS: 'false',
  });
  await bundle.line(/exiting now/);
  await bundle.ended;
  return () => startProgram('workerd', ['serve', config]);
}

const compatibilityDate = '2026-10-01';

/** @see https://github.com/cloudflare/workerd/blob/main/src/workerd/server/workerd.capnp */
function workerdConfig(port: number, folder: string): string {
  const retention = JSON.stringify([{ channels: brief, retentionEvents: briefKept }]);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "relay", worker = .relay),
    (name = "disk", disk = (path = ${JSON.stringify(folder)}, writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "relay")],
);
const relay :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "index.js")],
  compatibilityDate = "${compatibilityDate}",
  bindings = [
    (name = "CHANNELS", durableObjectNamespace = "ChannelObject"),
    (name = "GODWIT_INSECURE", text = "true"),
    (name = "GODWIT_CORS", text = "*"),
    (name = "GODWIT_RETENTION", json = ${JSON.stringify(retention)}),
  ],
  durableObjectNamespaces = [(className = "ChannelObject", uniqueKey = "relay", enableSql = true)],
  durableObjectStorage = (localDisk = "disk"),
);
`;
}
