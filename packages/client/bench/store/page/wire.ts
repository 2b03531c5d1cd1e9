// What the page and its workers tell each other of the measurement.
import type { TaskRow } from '@godwit/core';

/** The broadcast channel on which the engine's times are told. */
export const wire = 'godwit-bench';

/** Write so many events as records of their own; or these rows, with the indexes that a device's have. */
export interface Ask {
  readonly ask: number | readonly TaskRow[];
}

/** How long it took, in milliseconds. */
export interface Told {
  readonly ms: number;
}
