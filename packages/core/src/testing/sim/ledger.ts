// What a simulated relay's readers were really handed, against what the relay counts: nothing passes a reader uncounted.
import type { Attach, Channel, ChannelStat } from '../../feed/channel.ts';
import type { StreamQuery } from '../../feed/query.ts';
import type { ServedChannels } from '../../feed/channels.ts';
import type { DropReason } from '../../feed/counts.ts';
import { createSubscriptionStream } from '../../feed/stream.ts';
import type { Sink, Subscription } from '../../feed/subscriber.ts';
import type { Logs } from '../../ports/log.ts';
import { parseOffset } from '../../protocol/offset.ts';

/** The account of one run of a relay: another run counts anew. */
export interface Ledger {
  /** The same logs, of which it hears what is announced. */
  hear(logs: Logs): Logs;
  /** The same channels, whose readers are counted. */
  watch(channels: ServedChannels): ServedChannels;
  /** Holds what a channel says of itself, while nothing is under way, against what was done. */
  check(channel: string, stat: ChannelStat): void;
}

/** One reader, as its sink sees it. */
interface Reader {
  subscription: Subscription | undefined;
  /** It has ended: what the log takes from now on passes it no more. */
  isOver: boolean;
  /** It has asked for some types alone. */
  readonly isFiltered: boolean;
  epoch: string;
  /** Behind which sequence of it its reading began. */
  began: number;
  /** Events that passed it in epochs before. */
  before: number;
  /** Of all that it was handed: events with a place in the log, and without. */
  stored: number;
  told: number;
}

/** So many ephemeral events wait for a reader, at most, and are dropped with it. */
const waitingMax = 64;

const decoder = new TextDecoder();

function newcomer(isFiltered: boolean): Reader {
  return { subscription: undefined, isOver: false, isFiltered, epoch: '', began: 0, before: 0, stored: 0, told: 0 };
}

/** Opens an account. `sinkBytes` is what a reader takes before it asks for more. */
export function createLedger(parts: { readonly sinkBytes: number; readonly fail: (message: string) => void }): Ledger {
  const { sinkBytes, fail } = parts;
  const readers = new Map<string, Reader[]>();
  /** By epoch: the newest sequence that the channel's feed was told of. */
  const heads = new Map<string, number>();
  /** By channel: the epochs of the logs that were opened, in their order. */
  const epochs = new Map<string, string[]>();
  const learn = (epoch: string, sequence: number): void =>
    void heads.set(epoch, Math.max(sequence, heads.get(epoch) ?? 0));

  return {
    hear: (logs) => ({
      ...logs,
      async open(channel) {
        const log = await logs.open(channel);
        const { epoch } = await log.stat();
        const all = epochs.get(channel) ?? [];
        if (all.at(-1) !== epoch) epochs.set(channel, [...all, epoch]);
        return {
          ...log,
          follow: (listener) =>
            log.follow((news) => {
              learn(epoch, news.records.at(-1)?.sequence ?? 0);
              listener(news);
            }),
        };
      },
    }),
    watch: (channels) => ({ ...channels, channel: (name) => watched(name, channels.channel(name)) }),
    check(channel, stat) {
      const all = readers.get(channel) ?? [];
      for (const reader of all) checkReader(channel, reader);
      const handed = all.reduce((sum, { stored, told }) => sum + stored + told, 0);
      if (stat.delivered !== handed)
        fail(`the relay counts ${stat.delivered} of "${channel}" as delivered, and handed over ${handed}`);
      const dropped = sumOf(all.map(({ subscription }) => subscription?.counts.dropped ?? {}));
      if (textOf(dropped) !== textOf(stat.dropped))
        fail(`the relay counts ${textOf(stat.dropped)} of "${channel}" as dropped; its readers ${textOf(dropped)}`);
    },
  };

  function watched(name: string, channel: Channel): Channel {
    const { subscribe } = channel;
    if (subscribe === undefined) return channel;
    const opened = async (query: StreamQuery): Promise<Attach> => {
      const attach = await subscribe(query);
      return (sink) => {
        const reader = newcomer(query.types.length > 0);
        readers.set(name, [...(readers.get(name) ?? []), reader]);
        reader.subscription = attach(counting(name, reader, sink));
        return ended(name, reader, reader.subscription);
      };
    };
    return {
      ...channel,
      subscribe: opened,
      stream: async (query) => createSubscriptionStream(await opened(query), sinkBytes),
    };
  }

  function counting(channel: string, reader: Reader, sink: Sink): Sink {
    return {
      send(bytes) {
        for (const frame of decoder.decode(bytes).split('\n\n')) count(channel, reader, frame);
        return sink.send(bytes);
      },
      close() {
        if (reader.subscription !== undefined) checkEnd(channel, reader, reader.subscription);
        sink.close();
      },
    };
  }

  /** A reader that leaves by itself is not told of its end. */
  function ended(channel: string, reader: Reader, subscription: Subscription): Subscription {
    return {
      resume: () => subscription.resume(),
      announce: () => subscription.announce(),
      relay: (frame) => subscription.relay(frame),
      restart: (head) => subscription.restart(head),
      beat: () => subscription.beat(),
      drain: (retryAfterMs) => subscription.drain(retryAfterMs),
      end: () => subscription.end(),
      detach() {
        subscription.detach();
        checkEnd(channel, reader, subscription);
      },
      get pending() {
        return subscription.pending;
      },
      get counts() {
        return subscription.counts;
      },
    };
  }

  function count(channel: string, reader: Reader, frame: string): void {
    const [, id] = /^id: (.*)$/mu.exec(frame) ?? [];
    const [, event] = /^event: (.*)$/mu.exec(frame) ?? [];
    if (event === 'connected') {
      const { head, position }: { head: string; position: string } = JSON.parse(dataOf(frame));
      const { epoch, sequence } = parseOffset(position);
      Object.assign(reader, { epoch, began: sequence });
      learn(epoch, parseOffset(head).sequence);
    } else if (event === 'gap') {
      const { position }: { position: string } = JSON.parse(dataOf(frame));
      const { epoch } = parseOffset(position);
      if (epoch !== reader.epoch) {
        reader.before += sumUpTo(channel, epoch, reader) - reader.began;
        reader.epoch = epoch;
        reader.began = 0;
      }
    } else if (event === undefined && frame.includes('data: ')) {
      if (id === undefined) reader.told += 1;
      else reader.stored += 1;
    }
  }

  /** What the reader's epoch held, and those behind it of which it was never told: it took nothing while they came and went. */
  function sumUpTo(channel: string, epoch: string, reader: Reader): number {
    const all = epochs.get(channel) ?? [];
    const passed = all.slice(all.lastIndexOf(reader.epoch), all.lastIndexOf(epoch));
    return passed.reduce((sum, each) => sum + (heads.get(each) ?? 0), 0);
  }

  function headOf({ epoch }: Reader): number {
    return heads.get(epoch) ?? 0;
  }

  function checkReader(channel: string, { subscription, isFiltered, stored, told }: Reader): void {
    if (subscription === undefined) return;
    const { delivered, filtered } = subscription.counts;
    if (delivered !== stored + told)
      fail(`the relay counts ${delivered} as delivered to a reader of "${channel}", and handed it ${stored + told}`);
    if (filtered > 0 && !isFiltered)
      fail(`a reader of "${channel}", who wants all, has ${filtered} counted as filtered`);
  }

  function checkEnd(channel: string, reader: Reader, subscription: Subscription): void {
    // Whoever was sent away may let go later.
    if (reader.isOver) return;
    reader.isOver = true;
    checkReader(channel, reader);
    // Its log was removed, and it is yet to be told.
    if (epochs.get(channel)?.at(-1) !== reader.epoch) return;
    // What was dropped while it read was told only; what is dropped at its end may be either.
    const { delivered, filtered, dropped } = subscription.counts;
    const { retention = 0, epoch = 0, detached = 0 } = dropped;
    const counted = delivered - reader.told + filtered + retention + epoch + detached;
    const passed = reader.before + headOf(reader) - reader.began;
    // A filter passes by also what is told only.
    const more = reader.isFiltered ? filtered : 0;
    if (counted < passed || counted > passed + waitingMax + more)
      fail(`a reader of "${channel}" left when ${passed} had passed it, of which ${counted} are counted`);
  }
}

function dataOf(frame: string): string {
  return /^data: (.*)$/mu.exec(frame)?.[1] ?? '{}';
}

type Dropped = Readonly<Partial<Record<DropReason, number>>>;

function sumOf(all: readonly Dropped[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const dropped of all)
    for (const [reason, events] of Object.entries(dropped)) sum[reason] = (sum[reason] ?? 0) + events;
  return sum;
}

function textOf(dropped: Readonly<Record<string, number>>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(dropped).toSorted(([a], [b]) => (a < b ? -1 : 1))));
}
