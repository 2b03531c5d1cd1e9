// What the page and its worker tell each other of the measurement, beside what a page and its worker tell each other.

/** The channel's name. */
export const wire = 'godwit-bench';

/** From the page: write so many events as records of their own. */
export interface Ask {
  readonly ask: number;
}

/** From the worker: how long that took, or how long the engine took for what it was handed, in milliseconds. */
export interface Told {
  readonly told: 'raw' | 'engine';
  readonly ms: number;
}
