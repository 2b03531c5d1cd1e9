// What an MQTT bridge is told: which broker, and which channels and topics belong together.
import { Failure } from '@godwit/core';
import { assertChannel } from '@godwit/core/protocol';
import { assertFilter, assertTopic } from './topics.ts';

/** How channels and topics are bridged. At least one of `out` and `in` names something. */
export interface MqttOptions {
  /** `mqtt://`, `mqtts://`, `ws://` or `wss://`. */
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /**
   * By what the broker knows the relay, and keeps what comes while it is away: no other client may have it. Made once, and
   * kept in the relay's file, unless said.
   */
  readonly clientId?: string | undefined;
  /** Channels, and the topic that each one's events are published to. */
  readonly out?: Readonly<Record<string, string>> | undefined;
  /** Filters over topics, and the channel that what comes there is appended to; of several that match, the first counts. */
  readonly in?: Readonly<Record<string, string>> | undefined;
}

/** What an object of options may have. */
const texts = ['url', 'username', 'password', 'clientId'] as const;
const maps = ['out', 'in'] as const;
const protocols = new Set(['mqtt:', 'mqtts:', 'ws:', 'wss:']);
/** As a channel's name: brokers of MQTT 3.1 alone take 23. */
const clientIdLengthMax = 128;

/**
 * Checks the options, wherever they come from.
 *
 * @throws Failure `InvalidOptions`
 */
export function assertMqttOptions(given: unknown): asserts given is MqttOptions {
  if (!isObject(given)) throw invalid('they are an object, as {"url":"mqtt://broker","out":{"orders":"shop/orders"}}');
  for (const [name, value] of Object.entries(given)) {
    if (texts.some((text) => text === name)) {
      if (value !== undefined && typeof value !== 'string') throw invalid(`"${name}" is text`);
    } else if (maps.some((map) => map === name)) {
      if (value !== undefined && !isMap(value)) throw invalid(`"${name}" is an object whose members are text`);
    } else throw invalid(`there is no "${name.slice(0, 40)}"; there are ${[...texts, ...maps].join(', ')}`);
  }
  const { url, clientId, out, in: into } = given as Partial<MqttOptions>;
  if (!protocols.has(protocolOf(url))) throw invalid('"url" is of a broker, as mqtt://127.0.0.1:1883 or mqtts://…');
  if (clientId !== undefined && (clientId === '' || clientId.length > clientIdLengthMax)) {
    throw invalid(`"clientId" has 1 to ${clientIdLengthMax} characters`);
  }
  const [outs, ins] = [Object.entries(out ?? {}), Object.entries(into ?? {})];
  if (outs.length + ins.length === 0) throw invalid('"out" or "in" names a channel and a topic');
  for (const [channel, topic] of outs) {
    assertName(channel);
    assertTopic(topic);
  }
  for (const [filter, channel] of ins) {
    assertFilter(filter);
    assertName(channel);
  }
}

function assertName(channel: string): void {
  try {
    assertChannel(channel);
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : '');
  }
}

function protocolOf(url: unknown): string {
  return typeof url === 'string' && URL.canParse(url) ? new URL(url).protocol : '';
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isMap(value: unknown): boolean {
  return isObject(value) && Object.values(value).every((member) => typeof member === 'string');
}

function invalid(message: string): Failure {
  return new Failure('InvalidOptions', `the options of the MQTT bridge: ${message}`);
}
