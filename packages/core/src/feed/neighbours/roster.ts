// The clients of one relay, and a number by which two relays see whether they mean the same ones.

/** The names of one relay's clients. */
export interface Roster extends Iterable<string> {
  /** Answers false where it was there. */
  add(clientId: string): boolean;
  /** Answers false where it was not. */
  delete(clientId: string): boolean;
  readonly count: number;
  /** Two rosters with the same count and sum hold the same names, but for one case in four thousand million. */
  readonly sum: number;
}

/** Makes an empty roster. */
export function createRoster(): Roster {
  const names = new Set<string>();
  let sum = 0;
  return {
    add(clientId) {
      if (names.has(clientId)) return false;
      names.add(clientId);
      sum = (sum + hashOf(clientId)) >>> 0;
      return true;
    },
    delete(clientId) {
      if (!names.delete(clientId)) return false;
      sum = (sum - hashOf(clientId)) >>> 0;
      return true;
    },
    get count() {
      return names.size;
    },
    get sum() {
      return sum;
    },
    [Symbol.iterator]: () => names.values(),
  };
}

/**
 * A small hash of a text's UTF-16 units. Relays of one cluster must agree on it.
 *
 * @see http://www.isthe.com/chongo/tech/comp/fnv/ (FNV-1a, 32 bits)
 */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}
