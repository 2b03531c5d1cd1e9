// What was asked, and what was measured: each as a ratio that is to be reached.

/** Ratios beside their targets. */
export interface Table {
  note(name: string, ratio: number, target: number): void;
  /** One that nobody is asked to reach, to read others by. */
  bound(name: string, ratio: number): void;
  result(): {
    readonly ratios: Readonly<Record<string, number>>;
    readonly targets: Readonly<Record<string, number>>;
    /** What fell short. */
    readonly short: readonly string[];
  };
}

/** Makes an empty one. */
export function createTable(): Table {
  const ratios: Record<string, number> = {};
  const targets: Record<string, number> = {};
  return {
    note(name, ratio, target) {
      ratios[name] = rounded(ratio);
      targets[name] = rounded(target);
    },
    bound(name, ratio) {
      ratios[name] = rounded(ratio);
    },
    result() {
      const short = Object.keys(targets).filter((name) => !((ratios[name] ?? 0) >= (targets[name] ?? 0)));
      return { ratios, targets, short };
    },
  };
}

function rounded(ratio: number): number {
  return Math.round(ratio * 100) / 100;
}
