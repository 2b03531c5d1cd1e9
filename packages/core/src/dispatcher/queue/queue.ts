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
  options?: { readonly capacity?: number | undefined },
): HandQueue<Item> {
  const { capacity = mailboxCapacity } = options ?? {};
  needFunction(handle);
  needCount(capacity, 1, 'capacity');
  /** Each in a box of its own, since what is added twice waits twice. A set, from which the first goes as fast out of many. */
  const waiting = new Set<{ readonly item: Item }>();
  let handling: { readonly item: Item } | undefined;

  return {
    get size() {
      return waiting.size;
    },
    add(item) {
      if (waiting.size >= capacity) throw queueFull(capacity);
      waiting.add({ item });
    },
    async flush() {
      if (handling) throw new Failure('Misused', 'it is being flushed, with all that is added meanwhile');
      let handled = 0;
      try {
        for (const each of waiting) {
          handling = each;
          await handle(each.item);
          // Only now, since one that fails stays, unless it was cleared meanwhile.
          waiting.delete(each);
          handled += 1;
        }
      } finally {
        handling = undefined;
      }
      return handled;
    },
    clear() {
      const cleared = [...waiting].filter((each) => each !== handling).map(({ item }) => item);
      waiting.clear();
      return cleared;
    },
  };
}
