// The log that a feed holds: opened at its first use, followed, let go of once it was removed, and opened again.
import { Failure, isFailure, toFailure } from '../failure.ts';
import type { Log, LogNews, LogRecord, LogStat } from '../ports/log.ts';
import type { Stop, World } from '../ports/world.ts';

/** Where a log stands. */
export interface Place {
  /** The epoch it is in; empty before it was first opened. */
  readonly epoch: string;
  /** The newest sequence announced in this epoch. */
  readonly head: number;
}

/** A channel's log as its feed uses it. */
export interface HeldLog {
  /** Always the same object, which moves: each delivery asks it, and plain fields cost less than a getter of each channel's own. */
  readonly place: Place;
  readonly isOpen: boolean;
  readonly isClosed: boolean;
  /**
   * Asks the log, and opens it for that where it must. One that another relay has removed, as it can while the one before
   * still drains, is let go of.
   */
  ask<T>(question: (log: Log, epoch: string) => Promise<T>): Promise<T>;
  /** What it holds. Another relay's events may be in it before they are announced here: the head is theirs then. */
  stat(): Promise<LogStat>;
  /**
   * Runs what asks it: behind a removal that is under way, and once more where the log was removed while it ran.
   *
   * @throws Failure `Closed` once it is closed
   */
  use<T>(work: () => Promise<T>): Promise<T>;
  /** Forgets the log. Answers whether there was one. */
  remove(): Promise<boolean>;
  /** Resolves when no removal is under way. */
  removed(): Promise<void>;
  /** Refuses what comes from now on, and closes the log behind what is under way. */
  close(): Promise<void>;
}

/** What it is made of, and whom it tells. */
export interface HeldLogParts {
  readonly channel: string;
  readonly open: () => Promise<Log>;
  /** Forgets the log; see `Logs.remove`. */
  readonly forget: () => Promise<boolean>;
  /** Runs between two commits, behind those that were asked for before. */
  readonly exclusive: <T>(work: () => Promise<T>) => Promise<T>;
  /** Somebody reads: a log that was removed is opened again at once, for who asks next it is soon enough then. */
  readonly isRead: () => boolean;
  /** It was opened; where it is in another epoch than before, the head of that one is told. */
  readonly opened: (previousHead: number | undefined) => void;
  /** For another try at a log that is read, and could not be opened. */
  readonly after: World['after'];
  /** Records were committed, by this relay or another. */
  readonly heard: (records: readonly LogRecord[]) => void;
}

/** An open log, and the epoch it is in. */
interface Opened {
  readonly log: Log;
  readonly epoch: string;
  readonly stop: Stop;
}

/** After how long a log that is read, and could not be opened, is tried again. */
const retryMs = 1000;

/** Holds a channel's log. It opens nothing before it is used. */
export function holdLog(parts: HeldLogParts): HeldLog {
  let current: Promise<Opened> | undefined;
  let removing: Promise<unknown> | undefined;
  let removals = 0;
  let stopRetry: Stop | undefined;
  const place = { epoch: '', head: 0 };
  let isClosed = false;

  return {
    place,
    get isOpen() {
      return current !== undefined;
    },
    get isClosed() {
      return isClosed;
    },
    ask,
    async stat() {
      const stat = await ask((log) => log.stat());
      if (stat.epoch === place.epoch) place.head = Math.max(place.head, stat.head);
      return stat;
    },
    async use(work) {
      if (isClosed) throw closed();
      await removing;
      const before = removals;
      return await work().catch(async (error: unknown) => {
        // Its log was removed while it looked: it looks again, at the next one.
        await removing;
        if (isClosed || removals === before || !isFailure(error, 'Closed')) throw error;
        return work();
      });
    },
    async remove() {
      const work = parts.exclusive(async () => {
        if (!(await parts.forget())) return false;
        const last = await current?.catch(() => undefined);
        if (last !== undefined) await letGo(last);
        return true;
      });
      const settled = work.catch(() => undefined);
      removing = settled;
      try {
        return await work;
      } finally {
        // A second removal may wait behind this one, and is under way then.
        if (removing === settled) removing = undefined;
      }
    },
    async removed() {
      await removing;
    },
    async close() {
      isClosed = true;
      stopRetry?.();
      await parts.exclusive(async () => undefined);
      await removing;
      const last = await current?.catch(() => undefined);
      last?.stop();
      await last?.log.close();
    },
  };

  async function ask<T>(question: (log: Log, epoch: string) => Promise<T>): Promise<T> {
    const its = await opened();
    try {
      return await question(its.log, its.epoch);
    } catch (error) {
      // Our own removal lets go of it by itself.
      if (isFailure(error, 'Closed') && removing === undefined) await letGo(its);
      throw error;
    }
  }

  function opened(): Promise<Opened> {
    if (current === undefined && isClosed) throw closed();
    current ??= open().catch((error: unknown) => {
      current = undefined;
      throw toFailure(error);
    });
    return current;
  }

  async function open(): Promise<Opened> {
    const log = await parts.open();
    // Follows first and asks for the head then, so that nothing is committed between the two unheard.
    let isKnown = false;
    let heard = 0;
    const hears = ({ records }: LogNews): void => {
      const last = records.at(-1)?.sequence ?? 0;
      if (!isKnown) {
        heard = Math.max(heard, last);
        return;
      }
      place.head = Math.max(place.head, last);
      parts.heard(records);
    };
    let hasEnded = false;
    let opened: Opened | undefined;
    const stop = log.follow(hears, () => {
      hasEnded = true;
      if (opened !== undefined) ended(opened);
    });
    const stat = await log.stat().catch(async (error: unknown) => {
      stop();
      await log.close();
      if ((hasEnded || isFailure(error, 'Closed')) && !isClosed) return undefined;
      throw error;
    });
    // Ended while it was opened: the next one is in its place.
    if (stat === undefined) return open();
    isKnown = true;
    const { epoch } = stat;
    const { epoch: previousEpoch, head: previousHead } = place;
    place.epoch = epoch;
    place.head = Math.max(heard, stat.head);
    parts.opened(previousEpoch === '' || previousEpoch === epoch ? undefined : previousHead);
    opened = { log, epoch, stop };
    if (hasEnded) ended(opened);
    return opened;
  }

  /** By another relay's hand: nobody here may ask for long, and who reads is to be told. Our own removal lets go by itself. */
  function ended(gone: Opened): void {
    (removing ?? Promise.resolve())
      .catch(() => undefined)
      .then(() => letGo(gone))
      .catch(() => undefined);
  }

  async function letGo(gone: Opened): Promise<void> {
    if ((await current?.catch(() => undefined)) !== gone || isClosed) return;
    current = undefined;
    removals += 1;
    gone.stop();
    await gone.log.close();
    await openForReaders();
  }

  /** Who reads hears of nothing while no log is open: where it cannot be opened, that is tried again. */
  async function openForReaders(): Promise<void> {
    if (!parts.isRead() || isClosed) return;
    try {
      await opened();
    } catch (error) {
      stopRetry?.();
      stopRetry = parts.after(retryMs, () => void openForReaders().catch(() => undefined));
      throw error;
    }
  }

  function closed(): Failure {
    return new Failure('Closed', `the channel "${parts.channel}" is closed: the relay has ended`);
  }
}
