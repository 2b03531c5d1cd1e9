// A channel as its object's process knows it: what is on disk, and who listens.
import { Failure, type LogNews } from '@godwit/core';
import type { Hash, IdentityHash } from '../identities/hash.ts';
import type { Identities } from '../identities/identities.ts';
import type { ChannelRow } from './tables.ts';

/** An open channel. */
export interface State {
  /** What is on disk: it moves once a commit is. */
  row: ChannelRow;
  /** Whether there are tables: a channel that was only read stores nothing, and gets a new epoch with each process. */
  isStored: boolean;
  /** It was removed, or the relay has ended. */
  isClosed: boolean;
  readonly hash: IdentityHash;
  /** Loaded with the first append: who only reads needs none. */
  identities: Identities | undefined;
  readonly listeners: Set<(news: LogNews) => void>;
}

type MakeHash = (key: Hash) => IdentityHash;

/** A channel that the storage holds. */
export function storedState(row: ChannelRow, makeHash: MakeHash): State {
  return makeState(row, true, makeHash);
}

/** A channel that was never stored. */
export function blankState(name: string, epoch: string, makeHash: MakeHash): State {
  const [low = 0, high = 0] = crypto.getRandomValues(new Uint32Array(2));
  const counts = { published: 0, duplicates: 0, refused: 0 };
  return makeState({ name, epoch, key: [low, high], head: 0, tail: 1, bytes: 0, ...counts }, false, makeHash);
}

/** Tells the listeners what is on disk. One that throws is reported; its neighbours hear it all the same. */
export function announce({ listeners }: State, news: LogNews, report: (error: unknown) => void): void {
  for (const listener of listeners) {
    try {
      listener(news);
    } catch (error) {
      report(error);
    }
  }
}

/** Said to whoever uses a log that has ended. */
export function closed(): Failure {
  return new Failure('Closed', 'this log is closed: its channel was removed, or the relay has ended');
}

function makeState(row: ChannelRow, isStored: boolean, makeHash: MakeHash): State {
  return { row, isStored, isClosed: false, hash: makeHash(row.key), identities: undefined, listeners: new Set() };
}
