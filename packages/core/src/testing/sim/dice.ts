// Chance in a simulated world: every draw comes from the seed, so a run can be played again.

/** What is thrown for whatever is left to chance. */
export interface Dice {
  /** True with this probability. */
  chance(probability: number): boolean;
  /** A whole number, both ends included. */
  whole(from: number, to: number): number;
  /** One of these; there is at least one. */
  pick<Item>(items: readonly [Item, ...Item[]]): Item;
  /** One of these, undefined where there is none. */
  any<Item>(items: readonly Item[]): Item | undefined;
  /** A number in [0, 1). */
  random(): number;
}

/** Makes dice of a generator of numbers in [0, 1). */
export function createDice(random: () => number): Dice {
  const any = <Item>(items: readonly Item[]): Item | undefined => items[Math.floor(random() * items.length)];
  return {
    chance: (probability) => random() < probability,
    whole: (from, to) => from + Math.floor(random() * (to - from + 1)),
    pick: (items) => any(items) ?? items[0],
    any,
    random,
  };
}
