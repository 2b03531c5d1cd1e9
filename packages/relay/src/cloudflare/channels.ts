// A relay's channels on Workers: each behind the stub of its own Durable Object.
import { Failure, isFailure } from '@godwit/core';
import type { AppendItem, Channel, Channels } from '@godwit/core/feed';
import { assertChannel } from '@godwit/core/protocol';
import { unpack, type Envelope } from './envelope.ts';
import { holdStream } from './held-stream.ts';
import type { Webhooks } from '../webhooks/types.ts';
import { registryName } from './registry.ts';
import type { ChannelNamespace, ChannelStub, Leased } from './stub.ts';
import type { PackedWebhooks } from './webhooks/remote.ts';

/** An object that restarts is back within moments; one that has too much to do needs some. */
const retryAfterMs = 1000;

/**
 * The channels of a namespace. There is no list of them, but what they have told the registry.
 *
 * Besides a channel's own failures it rejects with `StorageFailed` when the object is gone or out of reach, and with
 * `RateLimited` when it has more to do than it can; both say after how long to try again.
 */
export function createObjectChannels(namespace: ChannelNamespace): Channels {
  return {
    channel(name) {
      assertChannel(name);
      const call = <Value>(
        isSafeTwice: boolean,
        method: (stub: ChannelStub) => Promise<Envelope<Value>>,
      ): Promise<Value> => callObject(name, isSafeTwice, () => method(namespace.getByName(name)));
      return {
        append: (items) => call(isIdempotent(items), (stub) => stub.append(name, items)),
        page: (query) => call(true, (stub) => stub.page(name, query)),
        stream: async (query) => leased(await call(true, (stub) => stub.stream(name, query))),
        stat: () => call(true, (stub) => stub.stat(name)),
        presence: () => call(true, (stub) => stub.presence(name)),
        // The second answer would be that there was nothing to remove.
        remove: () => call(false, (stub) => stub.remove(name)),
      } satisfies Channel;
    },
    noted: () => callObject(registryName, true, () => namespace.getByName(registryName).noted()),
  } satisfies Channels;
}

/** The webhooks of the channels of a namespace, each beside its channel. It rejects as the channels do. */
export function createObjectWebhooks(namespace: ChannelNamespace): Webhooks {
  const call = <Value>(
    channel: string,
    isSafeTwice: boolean,
    verb: (its: PackedWebhooks) => Promise<Envelope<Value>>,
  ): Promise<Value> => callObject(channel, isSafeTwice, () => verb(namespace.getByName(channel).webhooks(channel)));
  return {
    // A second one would be another webhook, and its receiver would get everything twice.
    register: (channel, request) => call(channel, false, (its) => its.register(channel, request)),
    list: (channel) => call(channel, true, (its) => its.list(channel)),
    get: (channel, id) => call(channel, true, (its) => its.get(channel, id)),
    remove: (channel, id) => call(channel, false, (its) => its.remove(channel, id)),
    // The secret of the first would be the one before, and nobody has seen it.
    rotate: (channel, id, secret) => call(channel, false, (its) => its.rotate(channel, id, secret)),
    enable: (channel, id) => call(channel, true, (its) => its.enable(channel, id)),
    dead: (channel, id, page) => call(channel, true, (its) => its.dead(channel, id, page)),
    change: (channel, id, change, letter) => call(channel, false, (its) => its.change(channel, id, change, letter)),
  } satisfies Webhooks;
}

/** A stub that has failed stays broken: each try has its own. */
async function callObject<Value>(
  name: string,
  isSafeTwice: boolean,
  once: () => Promise<Envelope<Value>>,
): Promise<Value> {
  try {
    return unpack(await once());
  } catch (error) {
    if (isFailure(error) || !isSafeTwice || !isRetryable(error)) throw failureOf(name, error);
  }
  try {
    return unpack(await once());
  } catch (error) {
    throw failureOf(name, error);
  }
}

/** An event that was stored is a duplicate the second time; an ephemeral one would be relayed twice, a refused one counted twice. */
function isIdempotent(items: readonly AppendItem[]): boolean {
  return items.every((item) => 'event' in item && item.event.ephemeral !== true);
}

/** Hands the lease back as soon as the stream is over, and not only with the request. */
function leased({ stream, lease }: Leased): ReadableStream<Uint8Array> {
  if (lease === undefined) return stream;
  return holdStream(stream, () => lease[Symbol.dispose]()).stream;
}

/** See https://developers.cloudflare.com/durable-objects/best-practices/error-handling/ */
function isRetryable(error: unknown): boolean {
  return flag(error, 'retryable') && !flag(error, 'overloaded');
}

function failureOf(name: string, error: unknown): Failure {
  if (isFailure(error)) return error;
  const said = error instanceof Error ? error.message : String(error);
  return flag(error, 'overloaded')
    ? new Failure('RateLimited', `the channel "${name}" has more to do than it can (${said}); try again`, {
        retryAfterMs,
        cause: error,
      })
    : new Failure('StorageFailed', `the object of the channel "${name}" did not answer (${said}); try again`, {
        retryAfterMs,
        cause: error,
      });
}

function flag(error: unknown, name: 'retryable' | 'overloaded'): boolean {
  return typeof error === 'object' && error !== null && Reflect.get(error, name) === true;
}
