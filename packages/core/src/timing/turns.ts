// So many at the same time, and the others in the order in which they came.

/** Does the work once it is its turn. Settles as the work does. */
export type Turns = <Value>(work: () => Promise<Value>) => Promise<Value>;

/** Makes turns for `max` at the same time. */
export function createTurns(max: number): Turns {
  const waiting: (() => void)[] = [];
  /** Below 0: so many wait. */
  let free = max;
  return async (work) => {
    free -= 1;
    if (free < 0) await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      free += 1;
      waiting.shift()?.();
    }
  };
}
