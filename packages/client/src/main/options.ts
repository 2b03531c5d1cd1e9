// What an application says when it creates a runtime, checked before anything is started.
import { Failure, type ChannelFrom, type EventDefinitions } from '@godwit/core';
import { assertChannel, defaultLimits } from '@godwit/core/protocol';
import type { TokenSource } from '../link/token.ts';

/** A channel to read: its name, or its name and where a device begins that has never read it. */
export type ChannelOption =
  | string
  | {
      readonly name: string;
      /** `earliest` (the default): everything that the relay still holds. `latest`: only what comes. */
      readonly from?: 'earliest' | 'latest';
    };

/** How a runtime is created. */
export interface RuntimeOptions<Events extends EventDefinitions> {
  /** The application's name. Tabs of one origin with the same name and user share a log. */
  readonly name: string;
  /** Who is signed in: each user has a log of their own, so that the next one of a browser never reads the last one's. */
  readonly user?: string;
  /** See `defineEvents`. */
  readonly events: Events;
  /** The relay's address. Without one, events stay on this device. */
  readonly relay?: string | URL;
  /** What is read; the first is where an event goes that names none. By default one channel called `default`. */
  readonly channels?: readonly ChannelOption[];
  /** Answers the relay's token; asked again when the relay no longer takes it. */
  readonly token?: TokenSource;
  /** Whether cookies go to the relay, as `fetch` has it; `same-origin` by default. */
  readonly credentials?: RequestCredentials;
  /** `relaxed` (the default) survives the death of processes; `strict` also the loss of power, and costs a disk flush each. */
  readonly durability?: 'relaxed' | 'strict';
  /** Makes the worker, where a bundler cannot find it by itself. */
  readonly worker?: () => Worker;
  /** Hears of failures that nobody awaits: a handler's, an arriving payload's, the disk's. By default the console. */
  readonly report?: (failure: Failure) => void;
}

/** Options as the runtime takes them. */
export interface CheckedOptions {
  readonly name: string;
  readonly user: string;
  readonly relay: string | undefined;
  readonly channels: readonly ChannelFrom[];
}

/**
 * Checks the options that types cannot.
 *
 * @param base what a relative address stands behind
 * @throws Failure `InvalidOptions`, `InvalidChannel`
 */
export function checkOptions(options: RuntimeOptions<EventDefinitions>, base: string | undefined): CheckedOptions {
  const { name, user = '', relay, channels = ['default'], events } = options;
  if (typeof name !== 'string' || name === '') throw invalid('`name` is the application\u2019s name, and not empty');
  if (typeof user !== 'string') throw invalid('`user` is a string; for nobody, leave it out');
  if (typeof events !== 'object' || events === null) throw invalid('`events` is what `defineEvents` answers');
  // One stream carries them all.
  const most = defaultLimits.channelsPerConnectionMax;
  if (channels.length === 0 || channels.length > most) {
    throw invalid(`\`channels\` names 1 to ${most} channels, or is left out; got ${channels.length}`);
  }
  const checked = new Map<string, 'earliest' | 'latest'>();
  for (const channel of channels) {
    const { name: itsName, from = 'earliest' } = typeof channel === 'string' ? { name: channel } : channel;
    if (checked.has(assertChannel(itsName))) throw invalid(`\`channels\` names "${itsName}" twice`);
    checked.set(itsName, from);
  }
  return { name, user, relay: relay === undefined ? undefined : addressOf(relay, base), channels: [...checked] };
}

/** The whole address: a worker has another base than its page. */
function addressOf(relay: string | URL, base: string | undefined): string {
  const wrong = invalid(`\`relay\` is an http or https address, got ${JSON.stringify(String(relay))}`);
  let url: URL;
  try {
    url = new URL(relay, base);
  } catch {
    throw wrong;
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw wrong;
  return url.href;
}

function invalid(what: string): Failure {
  return new Failure('InvalidOptions', `createRuntime: ${what}`);
}
