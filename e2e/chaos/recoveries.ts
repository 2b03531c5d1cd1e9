// How long it takes until whoever was struck hears others again, and is heard by the relay again.

/** One fault that was healed, and what came of it. */
export interface Recovery {
  readonly kind: string;
  /** From the healing on, in milliseconds; undefined: it had not recovered when the run ended. */
  readonly ms: number | undefined;
  /** Something else struck the same ones meanwhile, so that the time says little. */
  readonly isDisturbed: boolean;
}

/** Watches those who were struck. */
export interface Recoveries {
  /** Something is struck: whoever still recovers from something else is disturbed. */
  struck(who: readonly string[]): void;
  /** It is healed; disturbed from the start, if one of them is still struck otherwise. */
  healed(kind: string, who: readonly string[]): void;
  /** Looks who has recovered. */
  look(): void;
  readonly all: readonly Recovery[];
}

interface Watch {
  readonly kind: string;
  readonly who: readonly string[];
  readonly since: number;
  isDisturbed: boolean;
}

/**
 * Makes a watch.
 *
 * @param now in milliseconds
 * @param aliveAt as of when this one is known to hear and to be heard, in the same milliseconds
 */
export function watchRecoveries(now: () => number, aliveAt: (who: string) => number): Recoveries {
  const watches = new Set<Watch>();
  const done: Recovery[] = [];
  /** By how much each is struck now. */
  const ongoing = new Map<string, number>();
  const count = (who: readonly string[], by: number): void => {
    for (const one of who) ongoing.set(one, (ongoing.get(one) ?? 0) + by);
  };
  return {
    get all() {
      const open = [...watches].map(({ kind, isDisturbed }): Recovery => ({ kind, isDisturbed, ms: undefined }));
      return [...done, ...open];
    },
    struck(who) {
      count(who, 1);
      for (const watch of watches) if (watch.who.some((one) => who.includes(one))) watch.isDisturbed = true;
    },
    healed(kind, who) {
      count(who, -1);
      watches.add({ kind, who, since: now(), isDisturbed: who.some((one) => (ongoing.get(one) ?? 0) > 0) });
    },
    look() {
      for (const watch of watches) {
        const { kind, who, since, isDisturbed } = watch;
        if (!who.every((one) => aliveAt(one) > since)) continue;
        watches.delete(watch);
        done.push({ kind, isDisturbed, ms: now() - since });
      }
    },
  };
}
