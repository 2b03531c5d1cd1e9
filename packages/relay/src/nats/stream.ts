// What a cluster's logs stand on: streams that several relays write to, each message behind the last one or not at all.
import type { Stop } from '@godwit/core';

/** A message as it is given to a stream. */
export interface Message {
  /** What it says of itself: text, on one line and without white space around it, that is read without the body. */
  readonly head: string;
  readonly body: Uint8Array;
}

/** A message's head, and where it lies. */
export interface StoredHead {
  /** Its number in the stream, from 1 and without a hole. */
  readonly number: number;
  /** Empty where it is nobody's of ours. */
  readonly head: string;
}

/** A message as it lies in a stream. */
export interface StoredMessage extends StoredHead {
  readonly body: Uint8Array;
}

/**
 * **Law.** `append` stores a message if the newest one has the number `behind` (0 before the first), as one step, however many try
 * at once: of those one gets `behind + 1`, the others `undefined`. It resolves once the message is as safe as the stream keeps it. One
 * that rejects may have been stored all the same, or still be. `newest` is never older than what any `append` anywhere has resolved
 * with before it was called. `follow` tells every message from a number on, once and in order, through lost connections, until it is
 * stopped or the stream is gone; what was dropped meanwhile it passes over. `drop` removes the messages before a number; numbers are
 * never given twice, unless the stream is removed, or its host loses what it had acknowledged.
 *
 * A stream that is not there is empty, takes nothing, and is gone to whoever follows it.
 *
 * Failures: `StorageFailed` where the host does not answer, or refuses; `TooLarge` for a message beyond `messageBytesMax`; `Closed`
 * after `close`.
 */
export interface Stream {
  /** Makes it, where it is not there. `title` is for whoever lists streams by hand. */
  create(title: string): Promise<void>;
  append(message: Message, behind: number): Promise<number | undefined>;
  /** Undefined where there is no stream, or nothing was ever in it. Its head is empty where the message is not held any more. */
  newest(): Promise<StoredHead | undefined>;
  /** Undefined where it was dropped. */
  read(number: number): Promise<StoredMessage | undefined>;
  /** The heads of those that are held now, from a number on, in order: up to the newest, whichever server is asked. */
  heads(from: number): AsyncIterable<StoredHead>;
  /** `gone` is called once, if the stream is removed. */
  follow(from: number, hears: (message: StoredMessage) => void, gone: () => void): Stop;
  drop(before: number): Promise<void>;
}

/** Where streams are. */
export interface Streams {
  /** The stream of this name; the same name is the same stream at every relay of the cluster. Making this object stores nothing. */
  stream(name: string): Stream;
  /** The largest message, head and body, in bytes. */
  readonly messageBytesMax: number;
  /** Hears that the host is there again after it was not: it may have lost something. */
  onReturn(listener: () => void): Stop;
  /** Rejects with `StorageFailed` while the host cannot take anything. */
  ready(): Promise<void>;
  close(): Promise<void>;
}
