// publish: what an application hands in becomes checked drafts, and those of one tick travel to the engine together.
import { Failure } from '../failure.ts';
import { attributesOf } from '../event/attributes.ts';
import type { EventDefinition } from '../event/define.ts';
import { assertJson, utf8Length } from '../event/json.ts';
import { validate } from '../event/schema.ts';
import { createWriter, type EventParts } from '../event/write.ts';
import type { World } from '../ports/world.ts';
import { assertChannel } from '../protocol/channel.ts';
import { defaultLimits } from '../protocol/limits.ts';
import type { Draft, Engine } from './engine.ts';
import type { PublishOptions, Receipt } from './runtime.ts';
import type { Tally } from './status.ts';

/** Takes events in, and counts them. */
export interface Publisher {
  /** Throws what is refused at once, and is not counted then; rejects with what kept the event from being stored. */
  publish(name: string, data: unknown, options: PublishOptions): Promise<Receipt>;
  /** Resolves when everything that was handed in is stored or refused. */
  settled(): Promise<void>;
}

interface Made {
  readonly id: string;
  readonly draft: Draft;
}

interface Waiting {
  readonly made: Made;
  readonly resolve: (receipt: Receipt) => void;
  readonly reject: (error: unknown) => void;
}

/** Makes the publisher of a device. `channel` is where an event goes that names none. */
export function createPublisher(parts: {
  readonly definitions: ReadonlyMap<string, EventDefinition<string, unknown, unknown>>;
  readonly engine: Pick<Engine, 'record'>;
  readonly world: World;
  readonly channel: string;
  readonly deviceId: string;
  readonly tally: Pick<Tally, 'published' | 'refused'>;
  /** As a receipt's. */
  readonly relayed: (item: Omit<Receipt, 'relayed'>, signal?: AbortSignal) => Promise<void>;
}): Publisher {
  const { definitions, engine, world, tally } = parts;
  const write = createWriter(`urn:uuid:${parts.deviceId}`);
  let waiting: Waiting[] = [];
  let newest = { at: Number.NaN, time: '' };
  let newestChannel: string | undefined;
  const underWay = new Set<Promise<void>>();

  return {
    publish(name, data, options) {
      const made = makeOf(name, data, options);
      // A burst has thousands of these: each function, copy and promise more is a thousand more.
      return new Promise((resolve, reject) => {
        if (waiting.push({ made, resolve, reject }) > 1) return;
        const flushed = Promise.resolve().then(flush);
        underWay.add(flushed);
        void flushed.then(() => underWay.delete(flushed));
      });
    },
    async settled() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };

  /** Ephemeral events go apart: a full disk is none of theirs. */
  async function flush(): Promise<void> {
    const batch = waiting;
    waiting = [];
    await Promise.all([
      record(batch.filter(({ made }) => made.draft.durable)),
      record(batch.filter(({ made }) => !made.draft.durable)),
    ]);
  }

  async function record(batch: readonly Waiting[]): Promise<void> {
    if (batch.length === 0) return;
    try {
      const positions = await engine.record(batch.map(({ made }) => made.draft));
      tally.published(batch.length);
      batch.forEach(({ made, resolve }, index) => {
        const { id, draft } = made;
        const { channel } = draft;
        const position = positions[index] ?? null;
        const relayed: Receipt['relayed'] = ({ signal } = {}) => parts.relayed({ id, channel, position }, signal);
        resolve({ id, channel, position, relayed });
      });
    } catch (error) {
      tally.refused(batch.length);
      for (const { reject } of batch) reject(error);
    }
  }

  function makeOf(name: string, data: unknown, options: PublishOptions): Made {
    const definition = definitionFor(definitions, name, data);
    const channel = options.channel ?? definition.channel ?? parts.channel;
    if (channel !== newestChannel) newestChannel = assertChannel(channel);
    const { durable = true } = options;
    const id = world.id();
    const json = write({
      id,
      type: name,
      time: timeOf(world.now()),
      attributes: attributesFor(definition, options),
      data,
    });
    const bytes = utf8Length(json);
    if (bytes > defaultLimits.eventBytesMax) {
      throw new Failure(
        'TooLarge',
        `the event "${name}" has ${bytes} bytes, and a relay takes ${defaultLimits.eventBytesMax}; ` +
          'store large data elsewhere and publish a reference',
      );
    }
    return { id, draft: { json, channel, bytes, durable } };
  }

  /** The same for most of a burst. */
  function timeOf(at: number): string {
    if (at !== newest.at) newest = { at, time: new Date(at).toISOString() };
    return newest.time;
  }
}

/** What most events have none of. */
function attributesFor(
  { version }: EventDefinition<string, unknown, unknown>,
  options: PublishOptions,
): EventParts['attributes'] {
  const said = attributesOf(options);
  const { durable = true } = options;
  if (version === undefined && durable) return said;
  return {
    ...(version === undefined ? {} : { dataschemaversion: String(version) }),
    ...said,
    ...(durable ? {} : { ephemeral: true }),
  };
}

/**
 * The definition of an event that may be published with this payload.
 *
 * @throws Failure `UnknownEvent`, `InvalidPayload`
 */
export function definitionFor(
  definitions: ReadonlyMap<string, EventDefinition<string, unknown, unknown>>,
  name: string,
  data: unknown,
): EventDefinition<string, unknown, unknown> {
  const definition = definitions.get(name);
  if (definition === undefined) {
    throw new Failure('UnknownEvent', `"${name}" is not among the events of this runtime; add it to \`events\``);
  }
  if (data !== undefined) assertJson(data);
  validate(definition.schema, data, name);
  return definition;
}
