// The lock of one device: one of its tabs has it, until it lets go or another takes it away; the others wait in a row.

/** Who wants the lock. */
export interface Candidate {
  /** Runs what the lock is held for, and resolves when that has ended, however it did. It never rejects. */
  readonly lead: () => Promise<void>;
  /** Another has taken the lock. */
  readonly rob: () => void;
}

/** A lock. */
export interface Lock<Its extends Candidate> {
  /** Undefined while nobody has it. */
  readonly holder: Its | undefined;
  /** How often it was taken so far. */
  readonly takings: number;
  /** Stands in the row. */
  wait(candidate: Its): void;
  /** Leaves the row. */
  leave(candidate: Its): void;
  /** Takes it, whoever has it. */
  steal(candidate: Its): void;
}

/** Makes a lock that nobody has. */
export function createLock<Its extends Candidate>(): Lock<Its> {
  const row = new Set<Its>();
  let holder: Its | undefined;
  let takings = 0;

  return {
    get holder() {
      return holder;
    },
    get takings() {
      return takings;
    },
    wait(candidate) {
      row.add(candidate);
      next();
    },
    leave: (candidate) => void row.delete(candidate),
    steal: (candidate) => void grant(candidate),
  };

  function next(): void {
    const [first] = row;
    if (first === undefined || holder !== undefined) return;
    row.delete(first);
    void grant(first);
  }

  async function grant(candidate: Its): Promise<void> {
    const before = holder;
    holder = candidate;
    takings += 1;
    before?.rob();
    // Even a lone tab waits a turn, as it would for the platform's lock.
    await Promise.resolve();
    await candidate.lead();
    if (holder !== candidate) return;
    holder = undefined;
    next();
  }
}
