// Webhooks on Node: in the relay's file, and sent by its own hand.
import type { DatabaseSync } from 'node:sqlite';
import type { Failure, Logs, World } from '@godwit/core';
import type { Limits } from '@godwit/core/protocol';
import { assertWebhookUrl } from '../../webhooks/url.ts';
import { createWebhooks, type RunningWebhooks } from '../../webhooks/webhooks.ts';
import { isPublic } from './address.ts';
import { createSend } from './send.ts';
import { prepareWebhooks } from './tables.ts';

/** Starts those that the file holds. */
export function startWebhooks(parts: {
  readonly logs: Pick<Logs, 'open'>;
  /** The relay's file. */
  readonly database: DatabaseSync;
  readonly world: World;
  readonly limits: Pick<Limits, 'webhooksPerChannelMax'>;
  readonly allowsPrivate: boolean;
  readonly report: (failure: Failure) => void;
}): RunningWebhooks {
  const { logs, database, world, limits, allowsPrivate, report } = parts;
  return createWebhooks({
    logs,
    ...prepareWebhooks(database),
    send: createSend({ allowsPrivate }),
    assertUrl: (url) => assertWebhookUrl(url, { allowsPrivate, isPublic }),
    world,
    limits,
    report,
  });
}
