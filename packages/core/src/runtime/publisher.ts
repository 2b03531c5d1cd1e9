// publish: what an application hands in becomes checked drafts, and those of one tick travel to the engine together.
import { Failure } from '../failure.ts';
import { attributesOf } from '../event/attributes.ts';
import type { EventDefinition } from '../event/define.ts';
import { assertJson, utf8Length } from '../event/json.ts';
import { validate } from '../event/schema.ts';
import { createWriter, textOf, type EventParts } from '../event/write.ts';
import { segmentBytesMax, segmentEventsMax } from '../ports/store.ts';
import type { World } from '../ports/world.ts';
import { assertChannel } from '../protocol/channel.ts';
import { defaultLimits } from '../protocol/limits.ts';
import type { Draft, Engine } from './engine.ts';
import type { PublishOptions, Receipt } from './publishing.ts';
import type { Tally } from './status.ts';

/** Takes events in, and counts them. */
export interface Publisher {
  /** Throws what is refused at once, and is not counted then; rejects with what kept the event from being stored. */
  publish(name: string, data: unknown, options: PublishOptions): Promise<Receipt>;
  /** Resolves when everything that was handed in is stored or refused. */
  settled(): Promise<void>;
}

/** An event that was handed in, and whoever waits for it. */
interface Waiting {
  readonly id: string;
  readonly ending: string;
  readonly resolve: (receipt: Receipt) => void;
  readonly reject: (error: unknown) => void;
}

/** Those of a tick that go the same way. */
interface Batch {
  readonly channel: string;
  readonly durable: boolean;
  /** With the time at which the first of them was published: no clock is asked for each. */
  readonly beginning: string;
  readonly waiting: Waiting[];
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
  const writer = createWriter(`urn:uuid:${parts.deviceId}`);
  let batches: Batch[] = [];
  let newestChannel: string | undefined;
  const underWay = new Set<Promise<void>>();

  return {
    publish(name, data, options) {
      const definition = definitionFor(definitions, name, data);
      const channel = options.channel ?? definition.channel ?? parts.channel;
      if (channel !== newestChannel) newestChannel = assertChannel(channel);
      const { beginning, waiting } = batchOf(channel, options.durable !== false);
      const id = world.id();
      const ending = writer.ending({ id, type: name, attributes: attributesFor(definition, options), data });
      assertSize(name, beginning, ending);
      // A burst has thousands of these: each function, copy and promise more is a thousand more.
      return new Promise((resolve, reject) => void waiting.push({ id, ending, resolve, reject }));
    },
    async settled() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };

  function batchOf(channel: string, durable: boolean): Batch {
    // Mostly there is one.
    for (const batch of batches) if (batch.channel === channel && batch.durable === durable) return batch;
    const beginning = writer.beginning(new Date(world.now()).toISOString());
    const batch: Batch = { channel, durable, beginning, waiting: [] };
    if (batches.push(batch) > 1) return batch;
    const flushed = Promise.resolve().then(flush);
    underWay.add(flushed);
    void flushed.then(() => underWay.delete(flushed));
    return batch;
  }

  /** Ephemeral events go apart: a full disk is none of theirs. */
  async function flush(): Promise<void> {
    // What was refused has left one of none.
    const flushed = batches.filter(({ waiting }) => waiting.length > 0);
    batches = [];
    await Promise.all([
      record(flushed.filter(({ durable }) => durable)),
      record(flushed.filter(({ durable }) => !durable)),
    ]);
  }

  async function record(flushed: readonly Batch[]): Promise<void> {
    if (flushed.length === 0) return;
    const made = flushed.flatMap((batch) => draftsOf(batch));
    try {
      const firsts = await engine.record(made.map(({ draft }) => draft));
      made.forEach(({ draft: { channel, n }, waiting }, part) => {
        const first = firsts[part] ?? null;
        tally.published(n);
        waiting.forEach(({ id, resolve }, index) => {
          const position = first === null ? null : first + index;
          const relayed: Receipt['relayed'] = ({ signal } = {}) => parts.relayed({ id, channel, position }, signal);
          resolve({ id, channel, position, relayed });
        });
      });
    } catch (error) {
      for (const { draft, waiting } of made) {
        tally.refused(draft.n);
        for (const { reject } of waiting) reject(error);
      }
    }
  }
}

/** As many drafts as the bounds of a segment ask for, each with those who wait for it. */
function draftsOf(batch: Batch): readonly { draft: Draft; waiting: readonly Waiting[] }[] {
  const { channel, durable, beginning, waiting } = batch;
  const { length: n } = waiting;
  if (n <= segmentEventsMax) {
    const text = textOf(
      beginning,
      waiting.map(({ ending }) => ending),
    );
    // The beginning is in it once, and in the JSON of each; and behind each line but the last there is a byte.
    const bytes = utf8Length(text) - n + (n - 1) * utf8Length(beginning);
    if (n === 1 || bytes <= segmentBytesMax) return [{ draft: { channel, durable, text, n, bytes }, waiting }];
  }
  const first = Math.min(segmentEventsMax, Math.ceil(n / 2));
  return [waiting.slice(0, first), waiting.slice(first)].flatMap((part) => draftsOf({ ...batch, waiting: part }));
}

function assertSize(name: string, beginning: string, ending: string): void {
  const { eventBytesMax } = defaultLimits;
  // A character has three bytes at most, so that few are measured.
  const isSmall = (beginning.length + ending.length) * 3 <= eventBytesMax;
  const bytes = isSmall ? 0 : utf8Length(beginning) + utf8Length(ending);
  if (bytes > eventBytesMax) {
    throw new Failure(
      'TooLarge',
      `the event "${name}" has ${bytes} bytes, and a relay takes ${eventBytesMax}; ` +
        'store large data elsewhere and publish a reference',
    );
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
