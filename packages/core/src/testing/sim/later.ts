// Time that belongs to the simulated world itself, and to none of its processes.
import type { World } from '../../ports/world.ts';
import type { TestWorld } from '../world.ts';

/** Time that belongs to nobody in the world. */
export interface Later extends Pick<World, 'after'> {
  /** How much is still to come. */
  readonly waiting: number;
}

/** Counts what is still to come of it. */
export function createLater(base: TestWorld): Later {
  let waiting = 0;
  return {
    after(ms, callback) {
      let isOver = false;
      const over = (): void => {
        if (!isOver) waiting -= 1;
        isOver = true;
      };
      waiting += 1;
      const stop = base.after(ms, () => {
        over();
        callback();
      });
      return () => {
        over();
        stop();
      };
    },
    get waiting() {
      return waiting;
    },
  };
}
