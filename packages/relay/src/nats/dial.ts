// Finds NATS when a relay starts: a server that lets it in, is new enough, and has JetStream.
import { readFile } from 'node:fs/promises';
import {
  connect,
  credsAuthenticator,
  errors,
  nkeyAuthenticator,
  type Authenticator,
  type NatsConnection,
  type NodeConnectionOptions,
} from '@nats-io/transport-node';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { Failure, textOf, type FailureName, type World } from '@godwit/core';
import { codeOf, isOfHost, isUnanswered, storageFailure, violationOf } from './failures.ts';
import type { NatsOptions } from './options.ts';

/** How long NATS may be looked for when the relay starts, in milliseconds: servers that start together find each other, and a leader. */
const startMs = 20_000;
/** How long a server may take to greet. */
const greetMs = 2000;
/** A connection that is dead is noticed within three times of this. */
const pingMs = 10_000;
/** The first that has what is used here: consumers that are kept in memory, and forgotten when nobody listens. */
const oldest = { major: 2, minor: 9 };
/** How long anything may take to be answered, in milliseconds. While a leader is elected, which takes 4 to 10 s, nothing is. */
const answerMs = 3000;
/** How long JetStream may take to say that it is there: whoever has no leader says nothing, and is asked again. */
const greetingMs = 1500;
/** Between two tries, in milliseconds, and half as much again by chance: a thousand relays do not come back together. */
const againMs = 500;

/** What was found. */
export interface Dialled {
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  /** Asks whether JetStream is there. */
  readonly greet: () => Promise<unknown>;
}

/**
 * Connects to NATS, and looks whether JetStream is there. What may pass is waited for a while.
 *
 * @throws Failure `Unreachable`, `Unauthenticated`, `Forbidden`, `Unsupported`, `InvalidOptions`
 */
export async function dial(options: NatsOptions, world: World): Promise<Dialled> {
  const its = await connecting(options, world);
  const connection = await patiently(world, () => enter(its, options));
  try {
    const manager = await jetstreamManager(connection, { timeout: answerMs, checkAPI: false });
    const greeter = await jetstreamManager(connection, { timeout: greetingMs, checkAPI: false });
    const greet = (): Promise<unknown> => greeter.getAccountInfo();
    assertNew(connection);
    await patiently(world, () => assertJetStream(connection, greet));
    return { connection, manager, greet };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function enter(its: NodeConnectionOptions, options: NatsOptions): Promise<NatsConnection> {
  try {
    return await connect(its);
  } catch (error) {
    const [server, said] = [shown(options), textOf(error)];
    // Whoever is refused now would be refused again.
    if (error instanceof errors.AuthorizationError || error instanceof errors.UserAuthenticationExpiredError) {
      const message = `NATS at ${server} does not let the relay in (${said}): is it the right user, and the right secret?`;
      throw new Failure('Unauthenticated', message, { cause: error });
    }
    const message = `NATS at ${server} does not answer (${said}): is it there, and does it speak TLS if the relay does?`;
    throw new Later(new Failure('Unreachable', message, { cause: error }));
  }
}

function assertNew(connection: NatsConnection): void {
  const { version = '0.0' } = connection.info ?? {};
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > oldest.major || (major === oldest.major && minor >= oldest.minor)) return;
  const least = `${oldest.major}.${oldest.minor}`;
  throw new Failure('Unsupported', `NATS at ${connection.getServer()} is ${version}; from ${least} on it will do`);
}

async function assertJetStream(connection: NatsConnection, greet: () => Promise<unknown>): Promise<void> {
  try {
    await greet();
  } catch (error) {
    const server = connection.getServer();
    const { message } = storageFailure(error, server);
    const told = (name: FailureName, its = message): Failure => new Failure(name, its, { cause: error });
    if (violationOf(error) !== undefined) throw told('Forbidden');
    if (isUnanswered(error) && connection.info?.jetstream !== true) {
      throw told(
        'Unsupported',
        `JetStream is off at ${server}: start nats-server with -js, or say jetstream in its configuration`,
      );
    }
    if (codeOf(error) !== undefined && !isOfHost(error)) throw told('Unsupported');
    throw new Later(told('Unreachable'));
  }
}

/** What may pass. */
class Later {
  readonly failure: Failure;

  constructor(failure: Failure) {
    this.failure = failure;
  }
}

/** Tries again what may pass, until it has lasted too long. */
async function patiently<Answer>(world: World, attempt: () => Promise<Answer>): Promise<Answer> {
  let isOver = false;
  const stop = world.after(startMs, () => (isOver = true));
  try {
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof Later)) throw error;
        if (isOver) throw error.failure;
        await new Promise<void>((resolve) => void world.after(jittered(againMs / 2, world), resolve));
      }
    }
  } finally {
    stop();
  }
}

async function connecting(options: NatsOptions, world: World): Promise<NodeConnectionOptions> {
  const { servers, user, password, token, tls } = options;
  const all = [servers].flat();
  // NATS's client reads them at each connection, since they may change, and would take one that it cannot read for a server's fault.
  for (const file of Object.values(tls ?? {})) if (file !== undefined) await contentOf(file);
  const authenticator = await authenticatorOf(options);
  return {
    servers: all,
    name: 'godwit relay',
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { pass: password }),
    ...(token === undefined ? {} : { token }),
    ...(authenticator === undefined ? {} : { authenticator }),
    ...(tls === undefined && !all.some((url) => url.startsWith('tls:')) ? {} : { tls: given(tls ?? {}) }),
    timeout: greetMs,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: () => jittered(againMs, world),
    // Refused is not for ever: whoever runs NATS mends it, and the relay goes on.
    ignoreAuthErrorAbort: true,
    pingInterval: pingMs,
    maxPingOut: 2,
  };
}

async function authenticatorOf({ credentialsFile, nkeySeed }: NatsOptions): Promise<Authenticator | undefined> {
  if (nkeySeed !== undefined) return nkeyAuthenticator(new TextEncoder().encode(nkeySeed));
  if (credentialsFile === undefined) return undefined;
  return credsAuthenticator(await contentOf(credentialsFile));
}

async function contentOf(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new Failure('InvalidOptions', `a file that NATS needs cannot be read: ${textOf(error)}`, { cause: error });
  }
}

function given<Values extends object>(values: Values): { [Name in keyof Values]: NonNullable<Values[Name]> } {
  const all = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(all) as { [Name in keyof Values]: NonNullable<Values[Name]> };
}

/** So long, and up to half as long again. */
export function jittered(ms: number, world: World): number {
  return Math.ceil(ms * (1 + world.random() / 2));
}

/** The servers, as they were named. */
export function shown({ servers }: NatsOptions): string {
  return [servers].flat().join(', ');
}
