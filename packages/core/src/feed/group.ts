// append: concurrent appends become one commit, whose outcomes are split out again.
import type { CloudEvent } from '../event/cloudevent.ts';
import { Failure } from '../failure.ts';
import type { Appended } from '../ports/log.ts';
import { formatOffset } from '../protocol/offset.ts';
import type { Limits } from '../protocol/limits.ts';
import type { AppendResult } from '../protocol/results.ts';
import type { AppendItem } from './channel.ts';

/**
 * A commit's bounds, which are those of one POST by default, and no more than those of one where they are lower. One may fill it alone;
 * those that come together share it.
 */
const groupEventsMax = 1000;
const groupBytesMax = 1024 * 1024;

/** How much may wait for its commit, in bytes: a log that falls behind by more is told to its publishers, not hoarded. */
const waitingBytesMax = 32 * 1024 * 1024;
/** What an item costs beside its event's JSON, about. */
const itemBytes = 64;
/** How long a publisher is asked to wait then: some commits take place in it. */
const crowdedRetryMs = 1000;

/** Of a crowd of ephemeral events so many are relayed before everybody else has a turn: sockets take what they have, and have room. */
const relayedPerTurn = 64;

/** One caller's items, and whom to tell. */
interface Waiting {
  readonly items: readonly AppendItem[];
  readonly bytes: number;
  readonly work?: undefined;
  resolve(results: readonly AppendResult[]): void;
  reject(error: unknown): void;
}

/** Something that no commit may overlap. */
interface Exclusive {
  readonly items: readonly [];
  work(): Promise<void>;
}

/** What a commit answers. */
export interface Commit {
  readonly epoch: string;
  readonly appended: readonly Appended[];
}

/** Appends, one commit at a time. */
export interface Group {
  /**
   * Resolves after the commit that holds the items; in the order of the calls.
   *
   * @throws Failure `RateLimited` when too much waits already
   */
  add(items: readonly AppendItem[]): Promise<readonly AppendResult[]>;
  /** A commit is under way: what it announces is held back until its ephemeral events stand between its others. */
  readonly isCommitting: boolean;
  /** Behind what an event comes that is in no commit: while one is under way, in front of its own. */
  readonly after: number;
  /** Runs between two commits, after those that were asked for before. */
  exclusive<T>(work: () => Promise<T>): Promise<T>;
}

/** Makes a channel's group. */
export function createGroup(parts: {
  commit(events: readonly CloudEvent[], refused: number): Promise<Commit>;
  /** The newest sequence announced. */
  head(): number;
  /** An ephemeral event, which comes behind this sequence. */
  relay(event: CloudEvent, after: number): void;
  /** A commit has ended, or ephemeral events were relayed. */
  settled(): void;
  readonly limits: Pick<Limits, 'batchEventsMax' | 'batchBytesMax'>;
  /** Resolves once whoever else this thread serves has had a turn. */
  turn(): Promise<void>;
}): Group {
  const { commit, head, relay, settled, limits, turn } = parts;
  const eventsMax = Math.min(groupEventsMax, limits.batchEventsMax);
  const bytesMax = Math.min(groupBytesMax, limits.batchBytesMax);
  const queue: (Waiting | Exclusive)[] = [];
  let waitingBytes = 0;
  let isCommitting = false;
  /** Where the commit under way began. */
  let began = 0;
  let running: Promise<void> | undefined;

  return {
    add(items) {
      const bytes = bytesOf(items);
      if (waitingBytes > 0 && waitingBytes + bytes > waitingBytesMax) {
        const message = `${waitingBytes} bytes wait for their commit already; publish more slowly`;
        return Promise.reject(new Failure('RateLimited', message, { retryAfterMs: crowdedRetryMs }));
      }
      waitingBytes += bytes;
      return new Promise((resolve, reject) => {
        queue.push({ items, bytes, resolve, reject });
        running ??= run();
      });
    },
    get isCommitting() {
      return isCommitting;
    },
    get after() {
      // A channel made anew meanwhile begins at 0 again.
      return isCommitting ? Math.min(began, head()) : head();
    },
    exclusive(work) {
      return new Promise((resolve, reject) => {
        queue.push({ items: [], work: () => work().then(resolve, reject) });
        running ??= run();
      });
    },
  };

  async function run(): Promise<void> {
    // A turn later: whoever appends in this one is in the first commit too.
    await Promise.resolve();
    for (let next = queue[0]; next !== undefined; next = queue[0]) {
      if (next.work === undefined) await commitOnce(takeGroup());
      else {
        queue.shift();
        await next.work();
      }
    }
    running = undefined;
  }

  function takeGroup(): readonly Waiting[] {
    const group: Waiting[] = [];
    let events = 0;
    let bytes = 0;
    for (let next = queue[0]; next?.work === undefined && next !== undefined; next = queue[0]) {
      events += next.items.length;
      bytes += next.bytes;
      if ((events > eventsMax || bytes > bytesMax) && group.length > 0) break;
      group.push(next);
      queue.shift();
      waitingBytes -= next.bytes;
    }
    return group;
  }

  async function commitOnce(group: readonly Waiting[]): Promise<void> {
    isCommitting = true;
    began = head();
    let after = began;
    try {
      const items = group.flatMap((waiting) => waiting.items);
      const events = items.flatMap((item) => ('event' in item && item.event.ephemeral !== true ? [item.event] : []));
      const refused = items.filter((item) => 'refused' in item).length;
      const isEmpty = events.length === 0 && refused === 0;
      const { epoch, appended } = isEmpty ? { epoch: '', appended: [] } : await commit(events, refused);
      const outcomes = appended.values();
      const resultOf = (item: AppendItem): AppendResult => {
        if ('refused' in item) return { ...item.refused, status: 'refused' };
        const { event } = item;
        if (event.ephemeral === true) {
          relay(event, after);
          return { id: event.id, status: 'relayed' };
        }
        const { value } = outcomes.next();
        if (value === undefined)
          throw new Failure('Internal', 'the log answered fewer outcomes than it was given events');
        after = Math.max(after, value.sequence);
        return { id: event.id, status: value.status, offset: formatOffset(epoch, value.sequence) };
      };
      let relayed = 0;
      for (const { items, resolve } of group) {
        const results: AppendResult[] = [];
        for (const item of items) {
          results.push(resultOf(item));
          relayed += 1;
          // Not between events that are stored, whose readers would go on to them before what stands in front of them.
          if (!isEmpty || relayed % relayedPerTurn > 0) continue;
          settled();
          await turn();
        }
        resolve(results);
      }
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
    isCommitting = false;
    settled();
  }
}

function bytesOf(items: readonly AppendItem[]): number {
  return items.reduce((sum, item) => sum + itemBytes + ('event' in item ? (item.bytes ?? 0) : 0), 0);
}
