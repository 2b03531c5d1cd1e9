// A channel's webhooks in its object: the same engine as on Node, woken by the object's alarm where it sleeps or has died.
import type { Failure, Logs, World } from '@godwit/core';
import type { Limits } from '@godwit/core/protocol';
import { createWebhooks, type RunningWebhooks } from '../../webhooks/webhooks.ts';
import { assertWebhookUrl } from '../../webhooks/url.ts';
import type { Sleeper } from '../alarm.ts';
import type { LogStorage } from '../tables.ts';
import { sendByFetch } from './send.ts';
import { openWebhooks } from './tables.ts';

/** The webhooks of an object. */
export interface WebhookSleeper extends Sleeper {
  /** Those of the channel; started with the first use. */
  readonly webhooks: RunningWebhooks;
  /** When they are to be looked at, if something is appended now; null: there are none. */
  dueMs(): number | null;
}

/**
 * A longer wait is the alarm's alone: a timer would keep the object from sleeping, and be forgotten with it. As long as an
 * object without anything to do stays in memory at least.
 */
const timerMsMax = 60_000;

/** Makes it. */
export function createWebhookSleeper(parts: {
  readonly storage: LogStorage;
  readonly logs: Logs;
  readonly world: World;
  readonly limits: Pick<Limits, 'webhooksPerChannelMax'>;
  readonly allowsPrivate: boolean;
  readonly report: (failure: Failure) => void;
}): WebhookSleeper {
  const { storage, logs, world, limits, allowsPrivate, report } = parts;
  let running: RunningWebhooks | undefined;
  const start = (): RunningWebhooks =>
    createWebhooks({
      logs,
      ...openWebhooks(storage),
      send: sendByFetch,
      // An address says nothing of whom it leads to here, and the platform takes none: a webhook goes to a name.
      assertUrl: (url) => assertWebhookUrl(url, { allowsPrivate, isPublic: () => false }),
      world: {
        ...world,
        after: (ms, callback) => (ms > timerMsMax ? () => undefined : world.after(ms, callback)),
      },
      limits,
      report,
    });
  const webhooks = (): RunningWebhooks => (running ??= start());
  return {
    get webhooks() {
      return webhooks();
    },
    dueMs: () => (webhooks().isAny ? world.now() + timerMsMax : null),
    async ring() {
      webhooks().look();
      return webhooks().nextMs();
    },
  };
}
