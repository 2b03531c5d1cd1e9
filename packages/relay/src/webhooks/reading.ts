// A channel's log as a durable handler reads it: positions that grow also where the log begins anew.
import {
  decodeCloudEvent,
  isFailure,
  type HandlerStore,
  type Log,
  type LogEntry,
  type Logs,
  type TaskStore,
} from '@godwit/core';
import { formatOffset } from '@godwit/core/protocol';
import type { WebhookRecord } from './types.ts';

/** Sequences of one epoch: more than a channel ever gets, and 8,191 epochs of them are numbers that a double holds. */
const perGeneration = 2 ** 40;

/** A channel's log for one webhook. */
export interface WebhookLog {
  readonly store: HandlerStore;
  /** The channel was removed: its next log is another. */
  reopen(): void;
  /** Whether it has come to the log's end, and nothing was appended since: whatever is unsent has a row, or is under way. */
  readonly isRead: boolean;
  close(): Promise<void>;
}

/** The position of a sequence. */
export function positionOf(generation: number, sequence: number): number {
  return generation * perGeneration + sequence;
}

/** Opens it. `grew` hears of every commit. */
export function openWebhookLog(parts: {
  readonly logs: Pick<Logs, 'open'>;
  readonly tasks: TaskStore;
  readonly record: () => WebhookRecord;
  /** Stores what has changed of it. */
  readonly change: (change: Partial<WebhookRecord>) => void;
  readonly matches: (type: string) => boolean;
  /** As many wait to be tried again as may: nothing new is begun. */
  readonly isFull: () => boolean;
  readonly grew: () => void;
}): WebhookLog {
  const { logs, tasks, record, change, matches, isFull, grew } = parts;
  let opened: Promise<{ readonly log: Log; stop(): void }> | undefined;
  /** How often it has grown, and how often it had when it was last read to its end. */
  let grown = 0;
  let grownWhenRead = -1;

  const open = (): Promise<{ readonly log: Log; stop(): void }> => {
    opened ??= logs.open(record().channel).then((log) => ({ log, stop: log.follow(heard, reopen) }));
    opened.catch(() => (opened = undefined));
    return opened;
  };
  const reopen = (): void => void letGo().then(beginAnew).then(heard, heard);
  const heard = (): void => {
    grown += 1;
    grew();
  };
  const letGo = async (): Promise<void> => {
    const last = await opened?.catch(() => undefined);
    opened = undefined;
    last?.stop();
    await last?.log.close();
  };

  return {
    store: {
      ...tasks,
      async read(after, limit) {
        const before = grown;
        grownWhenRead = -1;
        // What waits to be tried again makes room, and brings it back here.
        const found = isFull() ? { entries: [], next: after, atHead: true } : await readTwice(after, limit);
        if (found.atHead) grownWhenRead = before;
        return found;
      },
    },
    reopen,
    get isRead() {
      return grownWhenRead === grown;
    },
    close: letGo,
  };

  /** At once, so that what retention takes of the next log before it is read is counted: of an unknown one nobody knows. */
  async function beginAnew(): Promise<void> {
    const { log } = await open();
    const { epoch } = await log.stat();
    const before = record();
    if (epoch !== before.epoch) change({ epoch, generation: before.generation + 1 });
  }

  /** Once more where the log was let go of while it was read. */
  async function readTwice(after: number, limit: number): ReturnType<HandlerStore['read']> {
    try {
      return await read(after, limit);
    } catch (error) {
      if (!isFailure(error, 'Closed')) throw error;
      await letGo();
      return read(after, limit);
    }
  }

  async function read(after: number, limit: number): ReturnType<HandlerStore['read']> {
    const { log } = await open();
    const { epoch, generation, channel, missed } = record();
    const isOlder = after < positionOf(generation, 0);
    const page = await log.read({ epoch, sequence: isOlder ? 0 : after - positionOf(generation, 0) }, limit);
    let current = generation;
    if (page.epoch !== epoch) {
      current += 1;
      change({ epoch: page.epoch, generation: current });
    } else if (typeof page.gap?.missed === 'number') change({ missed: missed + page.gap.missed });
    const entries = page.records
      .filter(({ type }) => matches(type))
      .map(({ sequence, json }): LogEntry => ({
        kind: 'event',
        position: positionOf(current, sequence),
        channel,
        event: decodeCloudEvent(JSON.parse(json)),
        offset: formatOffset(page.epoch, sequence),
        echo: false,
      }));
    const last = page.records.at(-1)?.sequence ?? page.after;
    const atHead = last >= page.head;
    return { entries, next: positionOf(current, last), atHead };
  }
}
