// Many small things as few big ones: flushed when there are enough of them, when time is up, by hand, and at the end.
import { type Failure, toFailure } from '../../failure.ts';
import type { World } from '../../ports/world.ts';
import { ambientReport, ambientWorld } from '../ambient.ts';
import { awaitMs } from '../await.ts';
import { bounded } from '../bounded.ts';
import { closed, queueFull, quietly } from '../failures.ts';
import { closeMs } from '../limits.ts';
import { type CloseOptions, needCount, needFunction } from '../options.ts';

/** What a batcher is made with. */
export interface BatcherOptions<Item> {
  /** Takes a batch, in the order in which its items came. The next batch waits until it resolves. */
  readonly flush: (items: readonly Item[]) => unknown;
  /** Flushes when this many wait; 100 by default. */
  readonly sizeMax?: number | undefined;
  /** Flushes when the oldest has waited this long, in milliseconds; 1,000 by default. */
  readonly afterMs?: number | undefined;
  /** How many may wait while a flush takes its time; 10,000 by default. */
  readonly capacity?: number | undefined;
  readonly world?: Pick<World, 'after'> | undefined;
  /** Hears of flushes that failed, whose items are gone; by default `console.error`. */
  readonly report?: ((failure: Failure) => unknown) | undefined;
}

/** Gathers items into batches. */
export interface Batcher<Item> {
  /** @throws Failure `QueueFull`, `Closed` */
  add(item: Item): void;
  /**
   * Flushes what waits, and resolves when it, and every batch before it, has been taken.
   *
   * @throws Failure `TimedOut` after `timeoutMs` ({@link awaitMs} by default): it goes on, and nothing is lost by that
   */
  flush(options?: CloseOptions): Promise<void>;
  /** As `flush`, and takes nothing more; it waits for {@link closeMs} by default. Closing twice is closing once. */
  close(options?: CloseOptions): Promise<void>;
  /** How many wait. */
  readonly size: number;
}

/** Makes a batcher. One batch is taken at a time, so order is kept. */
export function createBatcher<Item>(options: BatcherOptions<Item>): Batcher<Item> {
  const { sizeMax = 100, afterMs = 1000, capacity = 10_000, world = ambientWorld, report = ambientReport } = options;
  [options.flush, report].forEach(needFunction);
  needCount(sizeMax, 1, 'sizeMax');
  needCount(afterMs, 0, 'afterMs');
  needCount(capacity, sizeMax, 'capacity, no less than sizeMax,');
  const waiting: Item[] = [];
  let stopTimer: (() => void) | undefined;
  let flushing = false;
  let last: Promise<void> = Promise.resolve();
  let isClosed = false;

  const run = async (): Promise<void> => {
    flushing = true;
    while (waiting.length) {
      stopTimer?.();
      stopTimer = undefined;
      const batch = waiting.splice(0, sizeMax);
      try {
        await options.flush(batch);
      } catch (error) {
        void quietly(report, toFailure(error, 'HandlerFailed'));
      }
    }
    flushing = false;
  };
  const start = (): void => {
    if (!flushing) last = run();
  };
  const flush = (bound?: CloseOptions): Promise<void> => {
    start();
    return bounded(world, bound?.timeoutMs ?? awaitMs, async () => {
      // A turn later, since a flush may ask for this before it is known itself.
      await Promise.resolve();
      await last;
    });
  };

  return {
    get size() {
      return waiting.length;
    },
    add(item) {
      if (isClosed) throw closed();
      if (waiting.length >= capacity) throw queueFull(capacity);
      waiting.push(item);
      if (waiting.length >= sizeMax) start();
      else if (!flushing) stopTimer ??= world.after(afterMs, start);
    },
    flush,
    close(bound) {
      isClosed = true;
      return flush({ timeoutMs: bound?.timeoutMs ?? closeMs });
    },
  };
}
