// Webhooks between the Worker and a channel's object: the same verbs, each answered in an envelope.
import { RpcTarget } from 'cloudflare:workers';
import { pack, type Envelope } from '../envelope.ts';
import type { Webhooks } from '../../webhooks/types.ts';

/** The verbs, as they cross. */
export type PackedWebhooks = {
  readonly [Verb in keyof Webhooks]: (
    ...args: Parameters<Webhooks[Verb]>
  ) => Promise<Envelope<Awaited<ReturnType<Webhooks[Verb]>>>>;
};

/** A channel's webhooks for the Worker beside it, which has authorised whom they serve. `changed` hears of what may have work to do. */
export class WebhooksTarget extends RpcTarget implements PackedWebhooks {
  readonly #its: Webhooks;
  readonly #changed: () => Promise<void>;

  constructor(its: Webhooks, changed: () => Promise<void>) {
    super();
    this.#its = its;
    this.#changed = changed;
  }

  register(...args: Parameters<Webhooks['register']>): ReturnType<PackedWebhooks['register']> {
    return this.#change(() => this.#its.register(...args));
  }
  list(...args: Parameters<Webhooks['list']>): ReturnType<PackedWebhooks['list']> {
    return pack(() => this.#its.list(...args));
  }
  get(...args: Parameters<Webhooks['get']>): ReturnType<PackedWebhooks['get']> {
    return pack(() => this.#its.get(...args));
  }
  remove(...args: Parameters<Webhooks['remove']>): ReturnType<PackedWebhooks['remove']> {
    return pack(() => this.#its.remove(...args));
  }
  rotate(...args: Parameters<Webhooks['rotate']>): ReturnType<PackedWebhooks['rotate']> {
    return pack(() => this.#its.rotate(...args));
  }
  enable(...args: Parameters<Webhooks['enable']>): ReturnType<PackedWebhooks['enable']> {
    return this.#change(() => this.#its.enable(...args));
  }
  dead(...args: Parameters<Webhooks['dead']>): ReturnType<PackedWebhooks['dead']> {
    return pack(() => this.#its.dead(...args));
  }
  change(...args: Parameters<Webhooks['change']>): ReturnType<PackedWebhooks['change']> {
    return this.#change(() => this.#its.change(...args));
  }

  #change<Value>(work: () => Promise<Value>): Promise<Envelope<Value>> {
    return pack(async () => {
      const value = await work();
      await this.#changed();
      return value;
    });
  }
}
