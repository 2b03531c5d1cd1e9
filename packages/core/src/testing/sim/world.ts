// A tab's World: its own chance, its own clock, which may be wrong and jump, and timers that stand still while it is frozen.
import { createUuid7 } from '../../event/id.ts';
import type { World } from '../../ports/world.ts';
import { mulberry32 } from '../world.ts';
import type { Life } from './life.ts';

/** A tab's world. */
export interface SimWorld extends World {
  /** Timers that wait. */
  readonly timers: number;
}

/**
 * Makes the world of one tab over that of all. Dead tabs leave no timer behind.
 *
 * @param skewMs how far the clock is off now, in milliseconds; the tabs of a device share one
 */
export function createSimWorld(parts: {
  readonly base: Pick<World, 'now' | 'after'>;
  readonly life: Life;
  readonly seed: number;
  readonly skewMs?: () => number;
}): SimWorld {
  const { base, life, seed, skewMs = () => 0 } = parts;
  const random = mulberry32(seed);
  const timers = new Map<() => void, () => void>();
  const now = (): number => base.now() + skewMs();
  life.onDeath(() => {
    const left = [...timers];
    timers.clear();
    for (const [stop, callback] of left) {
      stop();
      life.onBurial(callback);
    }
  });

  const world = {
    now,
    random,
    id: createUuid7(now, random),
    after(ms, callback) {
      if (life.state === 'dead') return () => undefined;
      let isStopped = false;
      const stopBase = base.after(ms, () => {
        timers.delete(stop);
        life.run(() => isStopped || callback());
      });
      function stop(): void {
        isStopped = true;
        timers.delete(stop);
        stopBase();
      }
      timers.set(stop, callback);
      return stop;
    },
  } satisfies World;
  return Object.defineProperty({ ...world, timers: 0 }, 'timers', { get: () => timers.size });
}
