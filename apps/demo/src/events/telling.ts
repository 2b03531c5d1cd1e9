// What the board shows of any event, whoever published it.

/** One event, as a sentence in parts: "alice noted «lunch»". */
export interface Telling {
  readonly who: string;
  readonly did: string;
  readonly what: string;
  /** The repository, where there is one. */
  readonly where: string;
}
