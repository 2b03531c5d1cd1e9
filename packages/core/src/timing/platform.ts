// The World of a platform: its clock, its chance and its timers, handed in as one small object.
import { createUuid7 } from '../event/id.ts';
import type { World } from '../ports/world.ts';

/** What a world is made of. `globalThis` has it in a page, in a worker, in Node and in workerd. */
export interface Platform {
  readonly Date: { now(): number };
  readonly crypto: { getRandomValues(array: Uint32Array<ArrayBuffer>): unknown };
  setTimeout(callback: () => void, ms: number): number | object;
  clearTimeout(timer: number | undefined): void;
  /** Where there are these, a wait of no length gives others their turn and takes no millisecond. */
  setImmediate?(callback: () => void): object;
  clearImmediate?(immediate: object | undefined): void;
}

/** Drawing random bytes one number at a time costs more than an event does. */
const drawnAtOnce = 512;
/** The longest delay that platforms keep; a longer one fires at once there. */
const delayMsMax = 2 ** 31 - 1;

/** The world of a platform. It touches the platform when it is used, not when it is made. */
export function worldOf(platform: Platform): World {
  const now = (): number => platform.Date.now();
  const random = randomOf(platform);
  return {
    now,
    random,
    id: createUuid7(now, random),
    after(ms, callback) {
      if (ms <= 0 && platform.setImmediate !== undefined) {
        const immediate = platform.setImmediate(callback);
        return () => platform.clearImmediate?.(immediate);
      }
      // A timer's handle is a number in browsers and an object in Node; only browsers' are typed here.
      let timer: number | object;
      const arm = (leftMs: number): void => {
        const next = leftMs > delayMsMax ? (): void => arm(leftMs - delayMsMax) : callback;
        timer = platform.setTimeout(next, Math.min(leftMs, delayMsMax));
      };
      arm(ms);
      return () => platform.clearTimeout(timer as number);
    },
  } satisfies World;
}

/** Numbers of 53 random bits: ids made in other tabs and on other devices must never meet. */
function randomOf(platform: Platform): () => number {
  const drawn = new Uint32Array(drawnAtOnce);
  let next = drawn.length;
  const draw = (): number => {
    if (next >= drawn.length) {
      platform.crypto.getRandomValues(drawn);
      next = 0;
    }
    const bits = drawn[next] ?? 0;
    next += 1;
    return bits;
  };
  return () => ((draw() >>> 5) * 2 ** 26 + (draw() >>> 6)) / 2 ** 53;
}
