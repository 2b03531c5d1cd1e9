// What the page and its workers tell each other of the measurement.

/** The broadcast channel on which the engine's times are told. */
export const wire = 'godwit-bench';

/** Write so many events as records of their own. */
export interface Ask {
  readonly ask: number;
}

/** How long it took, in milliseconds. */
export interface Told {
  readonly ms: number;
}
