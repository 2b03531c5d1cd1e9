// Real NATS servers for the tests: one, or a cluster of three, killed and started again on what they have on disk.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProgram } from '../program.ts';

/** A server at a port of its own, which stays the same when it comes back. */
export interface NatsServer {
  readonly name: string;
  readonly port: number;
  readonly url: string;
  /** Where its streams are. */
  readonly data: string;
  /** Resolves when it takes connections; of a cluster, its JetStream comes a moment later. */
  start(): Promise<void>;
  /** Ends it, as the loss of its machine's power would but for what the disk has in its cache. */
  kill(): Promise<void>;
  /** Lets it do nothing, while its connections stay, until it is resumed. */
  pause(): void;
  resume(): void;
  /** Ends it, and removes what it has on disk. */
  end(): Promise<void>;
}

/** What a server is started with, beside where it listens. */
export interface NatsServerOptions {
  readonly name?: string;
  readonly port?: number;
  readonly jetstream?: boolean;
  /** How much its streams may hold: 1 GB unless said. */
  readonly room?: string;
  /** More of its configuration. */
  readonly more?: string;
}

/** Ports that no system gives to a connection of its own: one that dials a server that is away could be given the server's. */
const [portMin, portMax] = [10_000, 32_000];

/** A port that was free a moment ago. */
export async function natsPort(): Promise<number> {
  for (;;) {
    const server = createServer();
    const port = portMin + Math.floor(Math.random() * (portMax - portMin));
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** Makes a server that does not run yet. */
export async function natsServer(options: NatsServerOptions = {}): Promise<NatsServer> {
  const { name = 'alone', port = await natsPort(), jetstream = true, room = '1GB', more = '' } = options;
  const folder = await mkdtemp(join(tmpdir(), 'godwit-nats-'));
  const [config, data] = [join(folder, 'nats.conf'), join(folder, 'data')];
  const streams = jetstream ? `jetstream { store_dir: "${data}", max_file: ${room}, max_mem: 64MB }` : '';
  await writeFile(config, `server_name: ${name}\nlisten: "127.0.0.1:${port}"\n${streams}\n${more}\n`);
  let child: ChildProcess | undefined;
  const kill = async (): Promise<void> => {
    const its = child;
    child = undefined;
    if (its === undefined || its.exitCode !== null || its.signalCode !== null) return;
    its.kill('SIGKILL');
    await once(its, 'exit');
  };
  return {
    name,
    port,
    url: `nats://127.0.0.1:${port}`,
    data,
    async start() {
      const started = startProgram('nats-server', ['-c', config], (said) => said.includes('Server is ready'));
      child = started.child;
      await started.ready;
    },
    kill,
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    async end() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Makes three servers that are a cluster once they run. */
export async function natsCluster(): Promise<readonly NatsServer[]> {
  const routes = [await natsPort(), await natsPort(), await natsPort()];
  const all = routes.map((port) => `nats://127.0.0.1:${port}`).join(', ');
  return Promise.all(
    routes.map((port, index) => {
      const more = `cluster { name: three, listen: "127.0.0.1:${port}", routes: [${all}] }`;
      return natsServer({ name: `n${index + 1}`, more });
    }),
  );
}

/** Copies what a server that does not run has on disk; what is answered puts it back. */
export async function copyOf(server: NatsServer): Promise<() => Promise<void>> {
  const copy = `${server.data}.copy`;
  await cp(server.data, copy, { recursive: true });
  return async () => {
    await rm(server.data, { recursive: true });
    await cp(copy, server.data, { recursive: true });
  };
}
