// How much a tab takes on at once, and how long it waits.

/** The most tasks of one handler that are claimed at once: one commit for each so many. */
export const claimMax = 512;
/** A claim that ended within this many milliseconds at least doubles the next: quick handlers are claimed by the hundred. */
export const quickMs = 100;
/** A claim that took longer halves the next, so that slow tasks are not held by a tab that may die. */
export const slowMs = 1000;
/** Events that no release here understands, by handler; beyond, they are dropped, counted as `overflow`. */
export const deferredMax = 10_000;
/** Of so many that ended out of order a record names each; then what they overtook gets a row, and the cursor goes on. */
export const overtakenMax = 1024;
/** How far a cursor may run ahead of what is stored of it while nothing it passes is wanted: it costs a look after a crash. */
export const lagMax: number = 1024 * 1024;
