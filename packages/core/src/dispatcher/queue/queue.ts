// A queue that nothing empties but a hand: events gathered during a transaction, say, and handled once it is through.
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
   */
  flush(): Promise<number>;
  /** Throws away what waits, and hands it back. */
  clear(): readonly Item[];
  readonly size: number;
}

/** Makes a queue; at most `capacity` wait ({@link mailboxCapacity} by default). */
export function createHandQueue<Item>(
  handle: (item: Item) => unknown,
  { capacity = mailboxCapacity }: { readonly capacity?: number } = {},
): HandQueue<Item> {
  needFunction(handle);
  needCount(capacity, 1, 'capacity');
  const waiting: Item[] = [];
  let flushing = false;
  let last: Promise<number> = Promise.resolve(0);

  const run = async (): Promise<number> => {
    let handled = 0;
    flushing = true;
    try {
      for (; waiting.length > 0; handled += 1) {
        const item = waiting.shift() as Item;
        try {
          await handle(item);
        } catch (error) {
          waiting.unshift(item);
          throw error;
        }
      }
    } finally {
      flushing = false;
    }
    return handled;
  };

  return {
    get size() {
      return waiting.length;
    },
    add(item) {
      if (waiting.length >= capacity) throw queueFull(capacity);
      waiting.push(item);
    },
    flush: () => (flushing ? last : (last = run())),
    clear: () => waiting.splice(0),
  };
}
