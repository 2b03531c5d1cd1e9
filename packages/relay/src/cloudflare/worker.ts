// The Worker: the relay's app in front of its channels' objects, set up from the environment.
import { toFailure } from '@godwit/core';
import manifest from '../../package.json' with { type: 'json' };
import { createApp } from '../app.ts';
import type { Authorize } from '../authority/hook.ts';
import { problemResponse } from '../problem.ts';
import { createObjectChannels, createObjectWebhooks } from './channels.ts';
import { authorityOf, limitsOf, originsOf, retentionOf, type RelayEnv } from './environment.ts';
import { upgradeSocket } from './socket.ts';
import { createWorkersWorld } from './world.ts';

/** Answers a request. */
type Answer = (request: Request) => Response | Promise<Response>;

/** What a deployment says in code. */
export interface WorkerOptions {
  /** Decides who may do what, instead of tokens and their variables. */
  readonly authorize?: Authorize;
}

/** What a Worker's main module exports; `fetch` is there to be called, too, behind routes of your own. */
export type RelayWorker = Required<Pick<ExportedHandler<RelayEnv>, 'fetch'>>;

/**
 * Makes the Worker's handler: the relay's app over the Durable Objects of the binding `CHANNELS`. A Worker cannot refuse
 * to start, so one that was deployed without a key answers every request with a problem that says so.
 *
 * @example
 * ```ts
 * import { createWorker } from '@godwit/relay/cloudflare';
 * export { ChannelObject } from '@godwit/relay/cloudflare';
 * export default createWorker();
 * ```
 */
export function createWorker(options: WorkerOptions = {}): RelayWorker {
  let made: { readonly env: RelayEnv; readonly answer: Promise<Answer> } | undefined;
  return {
    async fetch(request, env) {
      // The platform hands the same object to all requests of an isolate.
      if (made?.env !== env) made = { env, answer: setUp(env, options) };
      const answer = await made.answer;
      return answer(request);
    },
  };
}

async function setUp(env: RelayEnv, { authorize }: WorkerOptions): Promise<Answer> {
  try {
    const world = createWorkersWorld();
    const limits = limitsOf(env);
    // Said here too: an object that cannot be made only breaks off.
    retentionOf(env, limits);
    const app = createApp({
      channels: createObjectChannels(env.CHANNELS),
      webhooks: createObjectWebhooks(env.CHANNELS),
      authority: await authorityOf(env, { world, report, authorize }),
      limits,
      cors: originsOf(env),
      upgrade: upgradeSocket,
      version: manifest.version,
      world,
      report,
    });
    return (request) => app.fetch(request);
  } catch (error) {
    const failure = toFailure(error);
    report(failure);
    return () => problemResponse(failure);
  }
}

function report(error: unknown): void {
  console.error(error);
}
