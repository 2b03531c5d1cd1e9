// A world for tests: time moves when it is told to, and chance comes from a seed.
import { createUuid7 } from '../event/id.ts';
import type { World } from '../ports/world.ts';

/** A world that a test advances. */
export interface TestWorld extends World {
  /**
   * Moves time on by `ms`, runs what falls due in its order, and lets everything that this sets off settle first.
   * Also moves the wall clock.
   */
  advance(ms: number): Promise<void>;
  /** Lets everything settle that needs no time to pass. */
  settle(): Promise<void>;
  /** Moves the wall clock alone, as a user or a time server does. */
  setClock(now: number): void;
  /** Timers that wait. */
  readonly timers: number;
}

/** Makes a world. The same seed gives the same world. */
export function createTestWorld(options: { readonly seed?: number; readonly now?: number } = {}): TestWorld {
  const random = mulberry32(options.seed ?? 1);
  let elapsed = 0;
  let wall = options.now ?? Date.UTC(2026, 0, 1);
  let order = 0;
  const timers = new Set<{ readonly due: number; readonly order: number; readonly callback: () => void }>();
  const now = (): number => wall;

  return {
    now,
    random,
    id: createUuid7(now, random),
    after(ms, callback) {
      const timer = { due: elapsed + Math.max(0, ms), order: (order += 1), callback };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    async advance(ms) {
      const end = elapsed + ms;
      await settle();
      for (;;) {
        let next: { readonly due: number; readonly order: number; readonly callback: () => void } | undefined;
        for (const timer of timers) {
          if (timer.due > end) continue;
          if (next === undefined || timer.due < next.due || (timer.due === next.due && timer.order < next.order))
            next = timer;
        }
        if (next === undefined) break;
        timers.delete(next);
        wall += next.due - elapsed;
        elapsed = next.due;
        next.callback();
        await settle();
      }
      wall += end - elapsed;
      elapsed = end;
    },
    settle,
    setClock(next) {
      wall = next;
    },
    get timers() {
      return timers.size;
    },
  };
}

/** A turn of the platform's own queue: whatever needs no time to pass, however long a chain of promises, has come before it. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    if (platform.setImmediate !== undefined) platform.setImmediate(resolve);
    else if (platform.MessageChannel !== undefined) {
      const { port1, port2 } = new platform.MessageChannel();
      port1.addEventListener('message', () => {
        port1.close();
        resolve();
      });
      port1.start();
      port2.postMessage(undefined);
    }
  });
}

/** What a platform has to offer: Node the one, browsers and Workers the other. */
interface Turns {
  readonly setImmediate?: (callback: () => void) => unknown;
  readonly MessageChannel?: new () => {
    readonly port1: { addEventListener(type: 'message', heard: () => void): void; start(): void; close(): void };
    readonly port2: { postMessage(message: unknown): void };
  };
}

// oxlint-disable-next-line no-restricted-globals -- a world whose time is told still lives among the platform's promises
const platform: Turns = globalThis;

/**
 * A small seeded generator of numbers in [0, 1).
 *
 * @see https://gist.github.com/tommyettinger/46a874533244883189143505d203312c (mulberry32, public domain)
 */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
