// What an application says when it creates a runtime, in a browser as in Node, checked before anything is started.
import {
  Failure,
  type ChannelFrom,
  type EventDefinitions,
  type Logger,
  type OutboxLimits,
  type Reporter,
  type Retention,
  type TaskEngineOptions,
  type TaskOptions,
  type Telemetry,
} from '@godwit/core';
import { assertChannel, channelsPerConnectionMax } from '@godwit/core/protocol';
import type { TokenSource } from './link/token.ts';

/** A channel to read: its name, or its name and where a device begins that has never read it. */
export type ChannelOption =
  | string
  | {
      readonly name: string;
      /** `earliest` (the default): everything that the relay still holds. `latest`: only what comes. */
      readonly from?: 'earliest' | 'latest' | undefined;
    };

/** Bounds, of which one that is not said is the default. */
type Bounds<All> = { readonly [Name in keyof All]?: All[Name] | undefined };

/** How any runtime is created. */
export interface CommonOptions<Events extends EventDefinitions> {
  /** See `defineEvents`. */
  readonly events: Events;
  /** The relay's address. Without one, events stay on this device. */
  readonly relay?: string | URL | undefined;
  /** What is read; the first is where an event goes that names none. By default one channel called `default`. */
  readonly channels?: readonly ChannelOption[] | undefined;
  /** Answers the relay's token; asked again just before the `exp` of a JWT, when the relay no longer takes it, and before what it forbids is tried again. */
  readonly token?: TokenSource | undefined;
  /**
   * Gets a line for each failure that nobody awaits, a handler's, an arriving payload's, the disk's: a warning while it is
   * tried again, an error once it is final. By default the console.
   */
  readonly logger?: Logger | undefined;
  /** Hears of those that are final, too: for a service that collects errors. */
  readonly report?: Reporter | undefined;
  /** Counts, times and follows events; `createTelemetry` of `@godwit/otel` makes one. By default nothing does. */
  readonly telemetry?: Telemetry | undefined;
  /**
   * How much of the log the device keeps: a week, 100,000 events and 64 MiB, unless said otherwise. What a durable handler
   * has not handled stays, and what the relay has not confirmed, and whatever is younger than an hour.
   */
  readonly retention?: Bounds<Retention> | undefined;
  /**
   * How much of this device may wait for the relay: 100,000 events and 50 MiB, unless said otherwise. Beyond, `publish`
   * rejects with `OutboxFull`. Ephemeral events never wait.
   */
  readonly outbox?: Bounds<OutboxLimits> | undefined;
  /** Closes the runtime when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** How this tab runs durable handlers. */
  readonly tasks?: TaskOptions | undefined;
}

/** Options as every runtime takes them. */
export interface CheckedCommon {
  readonly logger: Logger;
  readonly retention: Partial<Retention>;
  readonly outbox: Partial<OutboxLimits>;
  readonly relay: string | undefined;
  readonly channels: readonly ChannelFrom[];
}

/**
 * Checks the options that types cannot.
 *
 * @param base what a relative address stands behind
 * @throws Failure `InvalidOptions`, `InvalidChannel`
 */
export function checkCommon(options: CommonOptions<EventDefinitions>, base: string | undefined): CheckedCommon {
  const { relay, channels = ['default'], token, signal } = options;
  const logger = checkHandling(options);
  const said = (of: 'retention' | 'outbox'): Readonly<Record<string, number>> => {
    const bounds: Record<string, number> = {};
    for (const [name, bound] of Object.entries<number | undefined>(options[of] ?? {})) {
      if (bound === undefined) continue;
      // Of another name it would bound nothing.
      assertOneOf(of, name, boundsOf[of]);
      if (!(bound >= 0)) throw invalid(`\`${of}.${name}\` is a number of at least 0, or Infinity; got ${bound}`);
      bounds[name] = bound;
    }
    return bounds;
  };
  const [retention, outbox] = [said('retention'), said('outbox')];
  assertFunction('token', token);
  // Found only once the engine runs, it would leave nobody who could close that.
  assertHas('signal', signal, 'addEventListener', 'an AbortSignal');
  // One stream carries them all.
  // Of a text each character would be a channel.
  if (!Array.isArray(channels) || channels.length === 0 || channels.length > channelsPerConnectionMax) {
    throw invalid(
      `\`channels\` is a list of 1 to ${channelsPerConnectionMax} channels, or left out; got ${Array.isArray(channels) ? channels.length : typeof channels}`,
    );
  }
  const checked = new Map<string, 'earliest' | 'latest'>();
  for (const channel of channels) {
    const { name: itsName, from = 'earliest' } = typeof channel === 'string' ? { name: channel } : Object(channel);
    if (checked.has(assertChannel(itsName))) throw invalid(`\`channels\` names "${itsName}" twice`);
    assertOneOf(`channels\` of "${itsName}": \`from`, from, ['earliest', 'latest']);
    checked.set(itsName, from);
  }
  return {
    relay: relay === undefined ? undefined : addressOf(relay, base),
    channels: [...checked],
    retention,
    outbox,
    logger,
  };
}

/** How events are handled, and failures told: what a runtime in an application's own worker is told, too. */
export type HandlingOptions<Events extends EventDefinitions> = Pick<
  CommonOptions<Events>,
  'events' | 'logger' | 'report' | 'telemetry' | 'tasks'
>;

/**
 * Checks those. Answers what logs.
 *
 * @throws Failure `InvalidOptions`
 */
export function checkHandling(options: HandlingOptions<EventDefinitions>): Logger {
  const { events, tasks = {}, report, logger = console, telemetry } = options;
  if (Object(tasks) !== tasks) throw invalid('`tasks` is an object');
  const { workers = 1, batch = 1, scheduler = 'concurrent', unhandled = 'ignore', hooks } = tasks;
  for (const [name, count] of Object.entries({ workers, batch })) {
    if (!Number.isInteger(count) || count < 1)
      throw invalid(`\`tasks.${name}\` is a whole number of at least 1, got ${count}`);
  }
  assertOneOf('tasks.scheduler', scheduler, ['cooperative', 'concurrent']);
  assertOneOf('tasks.unhandled', unhandled, ['ignore', 'warn']);
  // One that cannot be called would throw for each event, and skip them all for good.
  for (const hook of ['beforeProcessing', 'beforeExecuting'] as const) {
    assertFunction(`tasks.hooks.${hook}`, hooks?.[hook]);
  }
  if (typeof events !== 'object' || events === null || !Object.values(events).every(isDefinition)) {
    throw invalid('`events` is what `defineEvents` answers');
  }
  assertFunction('report', report);
  // Found only once the engine runs, it would leave nobody who could close that.
  assertHas('telemetry', telemetry, 'gauge', 'of `createTelemetry`');
  // What is told to a function of another name is told to nobody.
  if (typeof logger?.warn !== 'function' || typeof logger.error !== 'function') {
    throw invalid('`logger` has the functions `debug`, `info`, `warn` and `error`, as `console` has');
  }
  return logger;
}

/** What may be bounded. */
const boundsOf = { retention: ['ageMs', 'eventsMax', 'bytesMax'], outbox: ['eventsMax', 'bytesMax'] };

/** Refuses what is none of these words. */
export function assertOneOf(name: string, given: unknown, words: readonly string[]): void {
  if (words.every((word) => word !== given))
    throw invalid(`\`${name}\` is "${words.join('" or "')}"; got ${JSON.stringify(given)}`);
}

/** Refuses what is neither left out nor a function: a token, say, in place of what asks for one. */
export function assertFunction(name: string, given: unknown): void {
  if (given !== undefined && typeof given !== 'function')
    throw invalid(`\`${name}\` is a function; got ${typeof given}`);
}

function assertHas(name: string, given: object | undefined, method: string, what: string): void {
  if (given !== undefined && typeof Object(given)[method] !== 'function') throw invalid(`\`${name}\` is ${what}`);
}

function isDefinition(event: unknown): boolean {
  return typeof event === 'object' && event !== null && 'name' in event && 'schema' in event;
}

/** The part of the tasks' options that the engine needs: what can cross to a worker. */
export function engineTasks({ scheduler, batch, start }: TaskOptions = {}): TaskEngineOptions {
  return { scheduler, batch, start };
}

/** An option that cannot work. */
export function invalid(what: string): Failure {
  return new Failure('InvalidOptions', `of a runtime\u2019s options, ${what}`);
}

/** The whole address: a worker has another base than its page. */
function addressOf(relay: string | URL, base: string | undefined): string {
  const wrong = invalid(`\`relay\` is an http or https address, got ${JSON.stringify(String(relay))}`);
  let url: URL;
  try {
    // A text of `null` is an address, too.
    if (relay === null) throw wrong;
    url = new URL(relay, base);
  } catch {
    throw wrong;
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw wrong;
  return url.href;
}
