// A queue that nothing empties but a hand: events gathered during a transaction, say, and handled once it is through.
import { Failure } from '../../failure.ts';
import { queueFull } from '../failures.ts';
import { mailboxCapacity } from '../limits.ts';
import { needCount, needFunction } from '../options.ts';

/** Things that wait for `flush`. */
export interface HandQueue<Item> {
  /** @throws Failure `QueueFull` */
  add(item: Item): void;
  /**
   * Handles what waits, one after the other, in order; also what is added meanwhile. Where one fails it stops, and that
   * one and those behind it stay.
   *
   * @returns how many were handled
   * @throws Failure `Misused` while it is being flushed, also by what it handles, which would wait for itself
   */
  flush(): Promise<number>;
  /** Throws away what waits, and hands it back. What is being handled goes on, and does not come back if it fails. */
  clear(): readonly Item[];
  /** How many wait, with the one that is being handled. */
  readonly size: number;
}

/** Makes a queue; at most `capacity` wait ({@link mailboxCapacity} by default). */
export function createHandQueue<Item>(
  handle: (item: Item) => unknown,
  options?: { readonly capacity?: number },
): HandQueue<Item> {
  const { capacity = mailboxCapacity } = options ?? {};
  needFunction(handle);
  needCount(capacity, 1, 'capacity');
  let waiting: Item[] = [];
  /** While one is handled: those that it is the first of. */
  let handling: Item[] | undefined;

  return {
    get size() {
      return waiting.length;
    },
    add(item) {
      if (waiting.length >= capacity) throw queueFull(capacity);
      waiting.push(item);
    },
    async flush() {
      if (handling) throw new Failure('Misused', 'it is being flushed, with all that is added meanwhile');
      let handled = 0;
      try {
        for (; waiting.length; handled += 1) {
          const these = (handling = waiting);
          await handle(these[0] as Item);
          // Only now, since one that fails stays; where it was cleared meanwhile, with those that nobody has any more.
          these.shift();
        }
      } finally {
        handling = undefined;
      }
      return handled;
    },
    clear() {
      const cleared = handling === waiting ? waiting.slice(1) : waiting;
      waiting = [];
      return cleared;
    },
  };
}
