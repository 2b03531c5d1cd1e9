// Brokers for the bridge's tests, and what stands beside them: devices, and a network that can be cut.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { connect as connectTo, createServer, type Server, type Socket } from 'node:net';
import { Aedes } from 'aedes';
import mqtt, { type MqttClient } from 'mqtt';
import { onTestFinished } from 'vitest';
import { startProgram } from '../program.ts';
import { folder } from '../relay.ts';

/** A broker at a port of its own, which stays the same when it comes back. */
export interface Broker {
  readonly port: number;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** A network between the relay and a broker. */
export interface Network {
  readonly url: string;
  /** Ends every connection, in the middle of whatever is said. */
  cut(): void;
}

/** A client of the broker's own, and what it has heard. */
export interface Device {
  readonly heard: readonly { readonly topic: string; readonly event: Readonly<Record<string, unknown>> }[];
  /** Resolves once so many messages are there. */
  until(count: number): Promise<void>;
  /** Resolves when the broker has it. */
  publish(topic: string, payload: unknown): Promise<void>;
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);
  server.close();
  await once(server, 'close');
  return port;
}

/** A broker in this process, which knows nothing of before when it comes back. */
export async function aedesBroker(): Promise<Broker> {
  const port = await freePort();
  let running: { readonly broker: Aedes; readonly server: Server; readonly sockets: Set<Socket> } | undefined;
  const stop = async (): Promise<void> => {
    const its = running;
    running = undefined;
    if (its === undefined) return;
    for (const socket of its.sockets) socket.destroy();
    await new Promise<void>((resolve) => its.broker.close(resolve));
    await new Promise<unknown>((resolve) => its.server.close(resolve));
  };
  onTestFinished(stop);
  return {
    port,
    async start() {
      const broker = await Aedes.createBroker();
      const sockets = new Set<Socket>();
      const server = createServer((socket) => {
        sockets.add(socket);
        socket.on('close', () => sockets.delete(socket));
        broker.handle(socket);
      }).listen(port, '127.0.0.1');
      await once(server, 'listening');
      running = { broker, server, sockets };
    },
    stop,
  };
}

/** Debian's mosquitto, a process of its own that keeps its sessions and messages on disk. */
export async function mosquittoBroker(): Promise<Broker> {
  const [port, data] = [await freePort(), await folder()];
  const config = join(data, 'mosquitto.conf');
  // It would give up root, and its folder with that.
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'persistence true',
    `persistence_location ${data}/`,
  ];
  await writeFile(config, [...lines, `user ${userInfo().username}`, ''].join('\n'));
  let child: ChildProcess | undefined;
  const stop = async (): Promise<void> => {
    const its = child;
    child = undefined;
    if (its === undefined || its.exitCode !== null) return;
    its.kill('SIGTERM');
    await once(its, 'exit');
  };
  onTestFinished(stop);
  return {
    port,
    async start() {
      const started = startProgram('mosquitto', ['-c', config], (said) => /mosquitto version \S+ running/.test(said));
      child = started.child;
      await started.ready;
    },
    stop,
  };
}

/** A network in front of a broker, or of whatever else is at a port. */
export async function networkTo(broker: Pick<Broker, 'port'>, protocol = 'mqtt'): Promise<Network> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connectTo(broker.port, '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far);
    far.pipe(near);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(() => {
    cut();
    server.close();
  });
  return { url: `${protocol}://127.0.0.1:${portOf(server)}`, cut };
}

/** A device that hears everything that is published, and the relay's word among it. */
export async function deviceAt(broker: Broker, filter = '#'): Promise<Device> {
  const client: MqttClient = await mqtt.connectAsync(`mqtt://127.0.0.1:${broker.port}`, { reconnectPeriod: 100 });
  onTestFinished(() => client.endAsync(true));
  const heard: { topic: string; event: Readonly<Record<string, unknown>> }[] = [];
  let wake: (() => void) | undefined;
  client.on('error', () => undefined);
  client.on('message', (topic, payload) => {
    heard.push({ topic, event: eventIn(payload.toString()) });
    wake?.();
  });
  await client.subscribeAsync(filter, { qos: 1 });
  return {
    heard,
    async until(count) {
      while (heard.length < count) await new Promise<void>((resolve) => (wake = resolve));
    },
    async publish(topic, payload) {
      await client.publishAsync(topic, typeof payload === 'string' ? payload : JSON.stringify(payload), { qos: 1 });
    },
  };
}

function eventIn(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text);
  } catch {
    return { text };
  }
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
