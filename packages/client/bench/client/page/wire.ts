// What the page asks of the raw worker.

/** Store these as one record; and tell the other worker, or not. */
export interface RawAsk {
  readonly texts: readonly string[];
  readonly isTold: boolean;
}
