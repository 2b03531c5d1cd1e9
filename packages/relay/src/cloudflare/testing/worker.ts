// What the tests in workerd deploy: the Worker that users deploy, set up as each request asks.
import { DurableObject } from 'cloudflare:workers';
import type { Limits } from '@godwit/core/protocol';
import { ChannelObject, createWorker, type RelayEnv } from '../index.ts';

/** The header with a test's variables, as JSON. */
export const setupHeader = 'test-setup';

/** An object that does nothing: tests open logs in its storage. */
export class LogObject extends DurableObject {}

/** A channel's object whose limits stand in its name: what a deployment says once for all, each test says for itself. */
class LimitedObject extends ChannelObject {
  constructor(ctx: DurableObjectState, env: RelayEnv) {
    const [prefix = ''] = /^\{.*\} /.exec(ctx.id.name ?? '') ?? [];
    // Its registry is that of its limits: the Worker that was set up with them asks there.
    const CHANNELS = { getByName: (name: string) => env.CHANNELS.getByName(prefix + name) };
    super(ctx, { ...env, CHANNELS, GODWIT_LIMITS: limitsIn(prefix) });
  }
}
export { LimitedObject as ChannelObject };

const worker = createWorker();
/** The platform hands the same environment to all requests, and what it was set up with lives as long. */
const environments = new Map<string, RelayEnv>();

export default {
  fetch(request, env, ctx) {
    const setup = request.headers.get(setupHeader);
    if (worker.fetch === undefined) throw new Error('the handler has no fetch');
    if (setup === null) return worker.fetch(request, env, ctx);
    const its = environments.get(setup) ?? environmentOf(setup, env);
    environments.set(setup, its);
    return worker.fetch(request, its, ctx);
  },
} satisfies ExportedHandler<Cloudflare.Env>;

function environmentOf(setup: string, env: Cloudflare.Env): RelayEnv {
  const vars = JSON.parse(setup) as Omit<RelayEnv, 'CHANNELS'>;
  const getByName = (name: string) => env.CHANNELS.getByName(`${JSON.stringify(vars.GODWIT_LIMITS ?? {})} ${name}`);
  return { ...vars, CHANNELS: { getByName } };
}

function limitsIn(name: string): Partial<Limits> {
  const [, json = '{}'] = /^(\{.*\}) /.exec(name) ?? [];
  return JSON.parse(json) as Partial<Limits>;
}
