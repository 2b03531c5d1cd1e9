// What comes at topics on its way to channels: appended, and acknowledged to the broker once it is committed.
import { Failure, toFailure, type Tell, type World } from '@godwit/core';
import type { AppendItem, Channels } from '@godwit/core/feed';
import type { Limits } from '@godwit/core/protocol';
import { decodeJson } from '../body.ts';
import { itemsOf } from '../content.ts';
import { isOwn, takenAt } from './marks.ts';
import { matchesTopic } from './topics.ts';

/** The way in. */
export interface Inbound {
  /** Resolves with true when the message is done with; with false where the relay ends before: the broker sends it again. */
  take(topic: string, payload: Uint8Array): Promise<boolean>;
  stop(): void;
}

/** A disk that is full, or a relay that is busy, is asked again after this, unless it says something else. */
const retryAfterMs = 1000;
/** A device that sends nonsense is told of this often, with how often it did. Each message is counted. */
const tellEveryMs = 60_000;

/** Makes it. `routes` are filters and channels, the first that matches counts. */
export function createInbound(parts: {
  readonly routes: readonly (readonly [filter: string, channel: string])[];
  readonly channels: Channels;
  readonly clientId: string;
  readonly limits: Limits;
  readonly world: Pick<World, 'now' | 'after'>;
  readonly tell: Tell;
}): Inbound {
  const { routes, channels, clientId, limits, world, tell } = parts;
  let isStopped = false;
  let wake: (() => void) | undefined;
  let toldAt = Number.NEGATIVE_INFINITY;
  let untold = 0;

  return {
    async take(topic, payload) {
      const [, channel] = routes.find(([filter]) => matchesTopic(filter, topic)) ?? [];
      if (channel === undefined) {
        complain(new Failure('NotFound', 'nothing says which channel this topic belongs to'), { topic });
        return true;
      }
      const item = itemOf(topic, payload);
      if ('event' in item && isOwn(item.event, clientId)) return true;
      if ('refused' in item) {
        const { name, message } = item.refused.failure;
        complain(new Failure(name, `a message was refused: ${message}`), { topic, channel });
      }
      return append(channel, item, topic);
    },
    stop() {
      isStopped = true;
      wake?.();
    },
  };

  async function append(channel: string, item: AppendItem, topic: string): Promise<boolean> {
    for (;;) {
      if (isStopped) return false;
      try {
        await channels.channel(channel).append([item]);
        return true;
      } catch (error) {
        const failure = toFailure(error);
        if (failure.name !== 'Draining' && failure.name !== 'Closed') tell(failure, { channel, topic }, 'warn');
        const waitMs = failure.details.retryAfterMs ?? retryAfterMs;
        await new Promise<void>((resolve) => {
          const stopTimer = world.after(waitMs, resolve);
          wake = () => {
            stopTimer();
            resolve();
          };
          if (isStopped) wake();
        });
      }
    }
  }

  /** Structured mode: one event, as JSON (CloudEvents MQTT binding, section 3.2). What is none is counted as `refused`. */
  function itemOf(topic: string, payload: Uint8Array): AppendItem {
    try {
      if (payload.byteLength > limits.batchBytesMax) {
        throw new Failure('TooLarge', `${payload.byteLength} bytes, and ${limits.batchBytesMax} is the most`);
      }
      const parsed = decodeJson(payload);
      if (Array.isArray(parsed.value))
        throw new Failure('InvalidEvent', 'a message is one CloudEvent as JSON, no batch');
      const [item] = itemsOf(parsed, limits);
      if (item === undefined || 'refused' in item) throw new Failure('InvalidEvent', 'it is no CloudEvent as JSON');
      return { ...item, event: { ...item.event, [takenAt]: topic } };
    } catch (error) {
      const { name, message } = toFailure(error);
      return { refused: { id: null, failure: { name, message } } };
    }
  }

  function complain(failure: Failure, fields: Readonly<Record<string, string>>): void {
    untold += 1;
    const now = world.now();
    if (Math.abs(now - toldAt) < tellEveryMs) return;
    tell(failure, { ...fields, times: untold }, 'warn');
    [toldAt, untold] = [now, 0];
  }
}
