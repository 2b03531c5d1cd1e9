// What the page and its workers tell each other of the measurement.
import type { TaskRow } from '@godwit/core';

/** The broadcast channel on which the engine's times are told. */
export const wire = 'godwit-bench';

/** On this one the worker is asked how many timers it has set so far, and answers by another message. */
export const timerWire = 'godwit-bench-timers';

/** Write so many events as records of their own; or these rows, with the indexes that a device's have. */
export interface Ask {
  readonly ask: number | readonly TaskRow[];
}

/** How long it took, in milliseconds. */
export interface Told {
  readonly ms: number;
}
