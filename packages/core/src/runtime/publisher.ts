// publish: what an application hands in becomes checked drafts, and those of one tick travel to the engine together.
import { Failure } from '../failure.ts';
import { attributesOf } from '../event/attributes.ts';
import type { EventDefinition } from '../event/define.ts';
import { assertJson, type Measure } from '../event/json.ts';
import { validate } from '../event/schema.ts';
import { beginningOf, lineOf, textOf, type EventParts } from '../event/write.ts';
import { segmentBytesMax, segmentEventsMax, type Position } from '../ports/store.ts';
import type { World } from '../ports/world.ts';
import { assertChannel } from '../protocol/channel.ts';
import { eventBytesMax } from '../protocol/limits.ts';
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

/** Those of a tick that go the same way. */
interface Batch {
  readonly channel: string;
  readonly durable: boolean;
  /** With the time at which the first of them was published: no clock is asked for each. */
  readonly beginning: string;
  /** Of each event its type, and what `lineOf` makes of it. */
  readonly types: string[];
  readonly lines: string[];
  /** Where each is; nothing of ephemeral ones. */
  readonly stored: PromiseWithResolvers<readonly Position[]>;
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
  readonly relayed: (item: Omit<Receipt, 'relayed'>, ...options: Parameters<Receipt['relayed']>) => Promise<void>;
  readonly measure: Measure;
}): Publisher {
  const { definitions, engine, world, tally, relayed, measure } = parts;
  const source = `urn:uuid:${parts.deviceId}`;
  let batches: Batch[] = [];
  let newestChannel: string | undefined;
  const underWay = new Set<Promise<void>>();

  return {
    publish(name, data, options) {
      const definition = definitionFor(definitions, name, data);
      const channel = options.channel ?? definition.channel ?? parts.channel;
      if (channel !== newestChannel) newestChannel = assertChannel(channel);
      const { beginning, types, lines, stored } = batchOf(channel, options.durable !== false);
      const id = world.id();
      const line = lineOf({ id, attributes: attributesFor(definition, options), data });
      assertSize(name, beginning, line, measure);
      types.push(name);
      const index = lines.push(line) - 1;
      // A burst has thousands of these: each function, copy and promise more is a thousand more.
      return stored.promise.then((positions) => {
        const position = positions[index] ?? null;
        return { id, channel, position, relayed: (options) => relayed({ id, channel, position }, options) };
      });
    },
    async settled() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };

  function batchOf(channel: string, durable: boolean): Batch {
    // Mostly there is one.
    for (const batch of batches) if (batch.channel === channel && batch.durable === durable) return batch;
    const beginning = beginningOf(source, new Date(world.now()).toISOString());
    const batch: Batch = { channel, durable, beginning, types: [], lines: [], stored: Promise.withResolvers() };
    if (batches.push(batch) > 1) return batch;
    const flushed = Promise.resolve().then(flush);
    underWay.add(flushed);
    void flushed.then(() => underWay.delete(flushed));
    return batch;
  }

  /** Ephemeral events go apart: a full disk is none of theirs. */
  async function flush(): Promise<void> {
    // What was refused has left one of none.
    const flushed = batches.filter(({ lines }) => lines.length > 0);
    batches = [];
    await Promise.all([
      record(flushed.filter(({ durable }) => durable)),
      record(flushed.filter(({ durable }) => !durable)),
    ]);
  }

  async function record(flushed: readonly Batch[]): Promise<void> {
    if (flushed.length === 0) return;
    try {
      const drafts = flushed.map((batch) => draftsOf(batch, measure));
      const firsts = [...(await engine.record(drafts.flat()))];
      flushed.forEach(({ lines, stored }, index) => {
        const positions: Position[] = [];
        for (const { n } of drafts[index] ?? []) {
          const first = firsts.shift() ?? null;
          if (first !== null) for (let its = 0; its < n; its += 1) positions.push(first + its);
        }
        tally.published(lines.length);
        stored.resolve(positions);
      });
    } catch (error) {
      for (const { lines, stored } of flushed) {
        tally.refused(lines.length);
        stored.reject(error);
      }
    }
  }
}

/** As many drafts as the bounds of a segment ask for. */
function draftsOf(batch: Batch, measure: Measure): readonly Draft[] {
  const { channel, durable, beginning, types, lines } = batch;
  const { length: n } = lines;
  if (n <= segmentEventsMax) {
    const { text, bytes } = textOf(beginning, types, lines, measure);
    if (n === 1 || bytes <= segmentBytesMax) return [{ channel, durable, text, n, bytes }];
  }
  const first = Math.min(segmentEventsMax, Math.ceil(n / 2));
  const part = (from: number, to: number): readonly Draft[] =>
    draftsOf({ ...batch, types: types.slice(from, to), lines: lines.slice(from, to) }, measure);
  return [...part(0, first), ...part(first, n)];
}

function assertSize(name: string, beginning: string, line: string, measure: Measure): void {
  // A character has three bytes at most, and in a name that JSON escapes six, so that few are measured.
  const isSmall = (beginning.length + 2 * name.length + line.length) * 3 <= eventBytesMax;
  const bytes = isSmall ? 0 : textOf(beginning, [name], [line], measure).bytes;
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
  const durable = options.durable !== false;
  if (version === undefined && durable) return said;
  return {
    dataschemaversion: version === undefined ? undefined : String(version),
    ...said,
    ephemeral: durable ? undefined : true,
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
