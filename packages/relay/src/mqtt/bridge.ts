// A bridge to an MQTT broker: channels are published to topics, and what comes at topics is appended to channels.
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { Failure, toFailure, type Tell } from '@godwit/core';
import { positionKey, type Bridge, type BridgeNotes } from '../node/bridges.ts';
import { createInbound } from './inbound.ts';
import { assertMqttOptions, type MqttOptions } from './options.ts';
import { createOutbound, type PublishTo } from './outbound.ts';
import { openPosition } from './position.ts';

/** As the broker is asked for again, and half of it again by chance: a thousand relays do not come back together. */
const reconnectMs = 1000;
/** How often a silent connection is tried; one that is dead is noticed within half as much again. */
const keepAliveS = 30;
/** How long a broker may take to let a connection go that ends with a word of farewell. */
const farewellMs = 1000;

/**
 * Makes a bridge, for `bridges` of `startRelay`. At least once in both directions: a channel's place moves when the broker has
 * acknowledged (QoS 1), and the broker is acknowledged to when the event is committed. What the bridge has put in does not
 * come back out, and what it has put out does not come back in.
 *
 * @throws Failure `InvalidOptions`
 */
export function mqttBridge(options: MqttOptions): Bridge {
  assertMqttOptions(options);
  const { url, username, password, out = {}, in: into = {} } = options;
  return ({ channels, limits, world, notes, tell: tellAll }) => {
    const clientId = options.clientId ?? ownClientId(notes, () => world.id());
    const tell: Tell = (error, fields, level) => tellAll(error, { bridge: 'mqtt', ...fields }, level);
    const routes = Object.entries(into);
    const inbound = createInbound({ routes, channels, clientId, limits, world, tell });
    const client = mqtt.connect(url, {
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...connecting(clientId, world.random()),
    });
    const publish: PublishTo = async (topic, payload, qos) => void (await client.publishAsync(topic, payload, { qos }));
    const outbounds = Object.entries(out).map(([channel, topic]) => {
      const position = openPosition({ notes, key: positionKey(channel, 'mqtt', topic), world, tell });
      return createOutbound({ channel, topic, channels, clientId, position, publish, world, tell });
    });
    let taking = 0;
    // The broker is acknowledged to when this calls back, and sends nothing else before.
    client.handleMessage = ({ topic, payload }, done) => {
      taking += 1;
      const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
      void take(topic, bytes, done);
    };
    const take = async (topic: string, payload: Uint8Array, done: () => void): Promise<void> => {
      const isDone = await inbound.take(topic, payload);
      taking -= 1;
      if (isDone) done();
    };
    let isOutTold = false;
    const gone = (why: unknown): void => {
      // Once for an outage, not with each try.
      if (!isOutTold)
        tell(new Failure('Unreachable', `the broker at ${shown(url)} does not answer: ${said(why)}`), {}, 'warn');
      isOutTold = true;
    };
    client.on('connect', () => {
      isOutTold = false;
      void subscribe(client, routes, notes, tell);
      for (const outbound of outbounds) outbound.online();
    });
    client.on('close', () => {
      for (const outbound of outbounds) outbound.offline();
      if (!client.disconnecting) gone('the connection was closed');
    });
    client.on('error', gone);

    let stopping: Promise<void> | undefined;
    const stop = async (): Promise<void> => {
      inbound.stop();
      await Promise.all(outbounds.map((outbound) => outbound.stop()));
      // With a word of farewell where the connection would take it; a broker that hangs would never end it.
      const stopTimer = world.after(farewellMs, () => client.stream.destroy());
      await client.endAsync(!client.connected || taking > 0 || Object.keys(client.outgoing).length > 0);
      stopTimer();
    };
    return { stop: () => (stopping ??= stop()) };
  };
}

function connecting(clientId: string, chance: number): IClientOptions {
  return {
    clientId,
    // Every broker speaks it.
    protocolVersion: 4,
    // The broker keeps what comes for the relay while that is away.
    clean: false,
    resubscribe: false,
    reconnectPeriod: Math.ceil(reconnectMs * (1 + chance / 2)),
    // Refused is not for ever: whoever runs the broker mends it, and the relay goes on.
    reconnectOnConnackError: true,
    keepalive: keepAliveS,
    queueQoSZero: false,
  };
}

/** The same in every process that runs on this file: the broker keeps its messages by it. */
function ownClientId(notes: BridgeNotes, id: () => string): string {
  const known = notes.get('mqtt/client');
  if (known !== undefined) return known;
  const made = `godwit-${id()}`;
  notes.put('mqtt/client', made);
  return made;
}

/** The broker's session may know filters of an earlier configuration: those are ended. */
async function subscribe(
  client: MqttClient,
  routes: readonly (readonly [filter: string, channel: string])[],
  notes: BridgeNotes,
  tell: Tell,
): Promise<void> {
  const wanted = routes.map(([filter]) => filter);
  try {
    const known: unknown = JSON.parse(notes.get('mqtt/filters') ?? '[]');
    const before = Array.isArray(known) ? known.filter((filter) => typeof filter === 'string') : [];
    const over = before.filter((filter) => !wanted.includes(filter));
    // Noted before: a filter that is asked for is one to be ended some day.
    if (over.length > 0 || wanted.length > before.length) {
      notes.put('mqtt/filters', JSON.stringify([...new Set([...before, ...wanted])]));
    }
    if (over.length > 0) await client.unsubscribeAsync(over);
    if (wanted.length > 0) await client.subscribeAsync(wanted, { qos: 1 });
    if (over.length > 0) notes.put('mqtt/filters', JSON.stringify(wanted));
  } catch (error) {
    // Cut off, it is asked for again at the next connection.
    if (!client.connected) return;
    tell(new Failure('Forbidden', `the broker refuses ${wanted.join(', ')}: ${said(error)}`));
  }
}

/** Without the name and the password that may stand in it. */
function shown(url: string): string {
  const { protocol, host } = new URL(url);
  return `${protocol}//${host}`;
}

function said(why: unknown): string {
  return typeof why === 'string' ? why : toFailure(why).message;
}
