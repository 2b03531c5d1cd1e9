// raise: an entity's events are checked and wait here until it is saved; then they are published, in order.
import { attributesOf } from '../event/attributes.ts';
import type { EventDefinition, EventDefinitions, EventInput, EventName } from '../event/define.ts';
import type { Entity } from '../event/entity.ts';
import { Failure } from '../failure.ts';
import { assertChannel } from '../protocol/channel.ts';
import { given, need } from './given.ts';
import { definitionFor } from './publisher.ts';
import type { EventRef, PublishArguments, PublishOptions, Receipt } from './publishing.ts';
import type { Runtime } from './runtime.ts';

/** How one event is raised; the raiser says of which entity. */
export type RaiseOptions = Omit<PublishOptions, 'entity'>;

/** An event that waits. */
export type Raised<Events> = {
  readonly [Name in EventName<Events>]: {
    readonly type: Name;
    readonly data: EventInput<Events, Name>;
    readonly options: PublishOptions;
  };
}[EventName<Events>];

/** Collects events. They are in memory only until `publishTo` has stored them. */
export interface Raiser<Events> {
  /**
   * Checks the event and keeps it. What the caller changes in `data` afterwards is not what was raised.
   *
   * @throws Failure `InvalidPayload`, `InvalidEvent`, `UnknownEvent`, `InvalidChannel`; `QueueFull` beyond the raiser's bound
   */
  raise<Name extends EventName<Events>>(
    event: EventRef<Events, Name>,
    ...data: PublishArguments<EventInput<Events, NoInfer<Name>>, RaiseOptions>
  ): void;
  /** What waits, in the order of raising: a copy. */
  raised(): readonly Raised<Events>[];
  /** Forgets what waits. */
  clear(): void;
  /**
   * Publishes what waits, each event once the one before is stored, and takes out what was. When one fails, it and those
   * behind it stay, and can be published again. Calls wait for each other.
   *
   * @throws Failure whatever `publish` rejects with; `InvalidOptions` for what is no runtime
   */
  publishTo<All>(runtime: Runtime<All> & (All extends Events ? unknown : never)): Promise<readonly Receipt[]>;
}

/** Far more than an entity raises between two saves; whoever reaches it never publishes. */
const defaultEventsMax = 1000;

/**
 * Makes a raiser of these events. With an entity, all of them are domain events of it.
 *
 * @param options `eventsMax` bounds what waits; 1,000 by default
 * @throws Failure `InvalidEvent` when the entity has no name or no id; `InvalidOptions`
 * @example
 * ```ts
 * const raiser = createRaiser(events, { entity: { name: 'order', id: '7' } });
 * raiser.raise('order.paid', { by: 'card' });
 * await save(order);
 * await raiser.publishTo(runtime);
 * ```
 */
export function createRaiser<const Events extends EventDefinitions>(
  events: Events,
  options: { readonly entity?: Entity | undefined; readonly eventsMax?: number | undefined } = {},
): Raiser<Events> {
  const { entity, eventsMax = defaultEventsMax } = given(options);
  need(Object(events) === events, 'a raiser is made of events', events);
  if (!(eventsMax >= 1)) throw new Failure('InvalidOptions', `eventsMax is a number from 1; got ${eventsMax}`);
  const ofEntity = entity === undefined ? {} : { entity: { ...entity } };
  attributesOf(ofEntity);
  const definitions = new Map<string, EventDefinition<string, unknown, unknown>>(Object.entries(events));
  let waiting: readonly Waiting[] = [];
  let publishing: Promise<unknown> = Promise.resolve();

  return {
    raise(event, ...[data, said = {}]) {
      const name = typeof event === 'string' ? event : Object(event).name;
      const definition = definitionFor(definitions, name, data);
      if (typeof event !== 'string' && event !== definition) {
        throw new Failure(
          'UnknownEvent',
          `this definition of "${name}" is not the one among the events of this raiser`,
        );
      }
      const options: PublishOptions = { ...said, ...ofEntity };
      attributesOf(options);
      if (options.channel !== undefined) assertChannel(options.channel);
      if (waiting.length >= eventsMax) {
        throw new Failure(
          'QueueFull',
          `"${name}" was raised, and ${eventsMax} events wait already; call publishTo once the entity is saved, or clear`,
        );
      }
      waiting = [...waiting, { definition, json: JSON.stringify(data), options }];
    },
    raised: () =>
      waiting.map(({ definition, json, options }) => {
        return { type: definition.name, data: parse(json), options: { ...options } } as Raised<Events>;
      }),
    clear() {
      waiting = [];
    },
    publishTo(runtime) {
      // `publish` pairs each definition with its own payload; over all that a raiser has the compiler cannot.
      const published = publishing.then(() => publishAll(runtime as unknown as Publishing));
      publishing = published.catch(() => undefined);
      return published;
    },
  };

  async function publishAll(runtime: Publishing): Promise<readonly Receipt[]> {
    need(typeof Object(runtime).publish === 'function', 'publishTo takes a runtime', runtime);
    const receipts: Receipt[] = [];
    // What is raised meanwhile is published by the next call: its entity may not be saved yet.
    for (const item of waiting) {
      // Cleared meanwhile.
      if (!waiting.includes(item)) continue;
      // One after the other: none overtakes one that fails.
      receipts.push(await runtime.publish(item.definition, parse(item.json), item.options));
      waiting = waiting.filter((other) => other !== item);
    }
    return receipts;
  }
}

interface Waiting {
  readonly definition: EventDefinition<string, unknown, unknown>;
  /** Undefined where there is no payload. */
  readonly json: string | undefined;
  readonly options: PublishOptions;
}

/** Each call is of one event and its own payload, which the types of many at once cannot say. */
interface Publishing {
  publish(event: EventDefinition<string, unknown, unknown>, data: unknown, options: PublishOptions): Promise<Receipt>;
}

function parse(json: string | undefined): unknown {
  return json === undefined ? undefined : JSON.parse(json);
}
