// What the page offers to its tests, as `globalThis.godwit`: there once the runtime is open and its handlers listen.
import type { Status } from '@godwit/core';
import type { KeptSpan } from '../src/tracing.ts';

/** One event as a handler had it. */
export interface Handled {
  readonly id: string;
  readonly by: string;
  readonly n: number;
  /** The relay's offset; null on an own event that was not confirmed yet. */
  readonly offset: string | null;
}

/** An attempt of this tab's durable handler. */
export interface Begun {
  readonly n: number;
  readonly attempt: number;
  /** Why its signal was aborted; null: it was not. */
  aborted: string | null;
}

/** The runtime of one tab, and what its handlers had. */
export interface PageApi {
  /** Publishes notes one after the other, each when the one before is on disk. Answers their ids. */
  publish(by: string, from: number, count: number): Promise<readonly string[]>;
  /** The same, without waiting in between. */
  publishTogether(by: string, from: number, count: number): Promise<readonly string[]>;
  /** The same, and waits for the relay: `relayed`, or the name of the failure that it refused each one for. */
  publishUntilRelayed(by: string, from: number, count: number): Promise<readonly string[]>;
  /** Begins to publish, and does not wait. `published` says how far it is. */
  beginPublishing(by: string, count: number): void;
  published(): number;
  /** Publishes notes one after the other, until `endPublishing`, which answers how many this page has published in all. */
  keepPublishing(by: string): void;
  endPublishing(): Promise<number>;
  handled(order: 'local' | 'relay'): readonly Handled[];
  /** What the durable handler of this tab has begun, if it has one. */
  begun(): readonly Begun[];
  /** Lets the durable handler end what it holds. */
  letGo(): void;
  status(): Status;
  /** How often this page was shown: `first`, and `again` for each time that it came out of the back/forward cache. */
  shown(): readonly ('first' | 'again')[];
  /** The spans of this tab that have ended; none unless the address has `?trace`. */
  spans(): readonly KeptSpan[];
  flush(): Promise<void>;
  pause(): void;
  resume(): void;
  close(): Promise<void>;
}

declare global {
  var godwit: PageApi;
}
