// What really happened in a simulated world, as the disks saw it: the checks compare with it whatever anybody was told.
import type { CloudEvent } from '../../event/cloudevent.ts';
import type { Log } from '../../ports/log.ts';
import { identityOf } from '../../event/cloudevent.ts';
import type { AppendCounts } from './logs.ts';

/** One event at the relay. */
export interface StoredEvent {
  readonly sequence: number;
  readonly identity: string;
  readonly source: string;
  readonly id: string;
  readonly type: string;
}

/** One epoch of a channel's log. */
export interface EpochHistory {
  readonly epoch: string;
  /** In the order of their sequences, from 1. */
  readonly events: StoredEvent[];
  /** So many of them, the oldest, were trimmed. */
  trimmed: number;
  /** The most events of it that were announced at once: logs drop them together. */
  largest: number;
  /** What the appends came to since the channel was made, also before a backup. */
  counts: AppendCounts;
}

/** How many events of a restored log are looked at in one read. */
const pageMax = 512;

/** Everything that a channel ever held. */
export interface ChannelHistory {
  /** The oldest first. */
  readonly epochs: EpochHistory[];
  /** How often each event was appended, over all epochs. */
  readonly appended: Map<string, number>;
}

/** The relay's history. */
export interface RelayHistory {
  channel(name: string): ChannelHistory;
  /** Follows a log from its beginning. Told of before anybody else uses it. */
  opened(channel: string, log: Log): Promise<void>;
  trimmed(channel: string, events: number): void;
  /** An append was done. */
  counted(channel: string, counts: AppendCounts): void;
  readonly size: number;
}

/** Keeps the history. `fail` hears of what must never be; `firstTime` of each event that the relay never held before. */
export function createRelayHistory(parts: {
  readonly fail: (message: string) => void;
  readonly firstTime: (channel: string, event: StoredEvent) => void;
}): RelayHistory {
  const { fail, firstTime } = parts;
  const channels = new Map<string, ChannelHistory>();
  let size = 0;

  return {
    channel,
    get size() {
      return size;
    },
    async opened(name, log) {
      const { epoch, head, tail, published, duplicates, refused } = await log.stat();
      const history = channel(name);
      if (history.epochs.some((known) => known.epoch === epoch)) return;
      const events = await restored(log, epoch, tail - 1);
      for (const { identity } of events.slice(tail - 1))
        if (!history.appended.has(identity))
          fail(`the log of "${name}" was restored with ${identity}, which it never had`);
      if (head !== events.length)
        fail(`the log of "${name}" says that it holds ${head} events, and holds ${events.length}`);
      const counts = { published, duplicates, refused };
      const current: EpochHistory = { epoch, events, trimmed: tail - 1, largest: head - tail + 1, counts };
      history.epochs.push(current);
      log.follow(({ records }) => {
        current.largest = Math.max(current.largest, records.length);
        for (const { sequence, json } of records) append(name, history, current, sequence, JSON.parse(json));
      });
    },
    trimmed(name, events) {
      const current = channel(name).epochs.at(-1);
      if (current !== undefined) current.trimmed += events;
    },
    counted(name, more) {
      const current = channel(name).epochs.at(-1);
      if (current === undefined) return fail(`something was appended to "${name}", which nobody had opened`);
      const { published, duplicates, refused } = current.counts;
      current.counts = {
        published: published + more.published,
        duplicates: duplicates + more.duplicates,
        refused: refused + more.refused,
      };
    },
  };

  function channel(name: string): ChannelHistory {
    const known = channels.get(name) ?? { epochs: [], appended: new Map<string, number>() };
    channels.set(name, known);
    return known;
  }

  function append(
    name: string,
    history: ChannelHistory,
    current: EpochHistory,
    sequence: number,
    { source, id, type }: CloudEvent,
  ): void {
    const identity = identityOf({ source, id });
    const stored: StoredEvent = { sequence, identity, source, id, type };
    const expected = current.events.length + 1;
    if (sequence !== expected) fail(`the log of "${name}" took ${sequence} where ${expected} comes next`);
    const held = current.events.findLastIndex((event) => event.identity === identity);
    if (held >= current.trimmed) fail(`the log of "${name}" holds ${identity} twice, at ${held + 1} and ${sequence}`);
    current.events.push(stored);
    size += 1;
    const before = history.appended.get(identity) ?? 0;
    history.appended.set(identity, before + 1);
    if (before === 0) firstTime(name, stored);
  }
}

/** What a log holds before anybody has appended to it in this epoch: nothing, unless it was restored. */
async function restored(log: Log, epoch: string, trimmed: number): Promise<StoredEvent[]> {
  const gone: StoredEvent = { sequence: 0, identity: '', source: '', id: '', type: '' };
  const events = Array.from({ length: trimmed }, () => gone);
  for (;;) {
    const { records } = await log.read({ epoch, sequence: events.length }, pageMax);
    if (records.length === 0) return events;
    for (const { sequence, json } of records) {
      const { source, id, type }: CloudEvent = JSON.parse(json);
      events.push({ sequence, identity: identityOf({ source, id }), source, id, type });
    }
  }
}
