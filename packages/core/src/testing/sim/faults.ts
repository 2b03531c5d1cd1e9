// Where faults are decided and counted: at each point where something may go wrong, the dice say whether it does.
import type { Dice } from './dice.ts';
import type { CallFault, FaultKind } from './kinds.ts';

/** The faults of one run. */
export interface Faults {
  /** Whether one of these strikes at this point, and which; the same draw whether or not it is switched on. */
  strike(point: string, kinds: readonly CallFault[]): CallFault | undefined;
  /** One has struck. */
  met(kind: FaultKind, point: string): void;
  /** From now on none strikes. */
  end(): void;
  readonly isOver: boolean;
  /** How often each has struck. */
  readonly counts: ReadonlyMap<FaultKind, number>;
  /** How often each has struck where, as `point:kind`; 0 where it might have, and did not. */
  readonly points: ReadonlyMap<string, number>;
}

/** Makes the faults of a run. `note` hears of each. */
export function createFaults(parts: {
  readonly dice: Dice;
  readonly rates: Readonly<Partial<Record<FaultKind, number>>>;
  readonly note?: (point: string, kind: FaultKind) => void;
}): Faults {
  const { dice, rates, note } = parts;
  const counts = new Map<FaultKind, number>();
  const points = new Map<string, number>();
  const passed = new Set<string>();
  let isOver = false;

  return {
    strike(point, kinds) {
      if (isOver) return undefined;
      if (!passed.has(point)) {
        passed.add(point);
        for (const kind of kinds) points.set(`${point}:${kind}`, 0);
      }
      let left = dice.random();
      for (const kind of kinds) {
        const rate = rates[kind] ?? 0;
        if (left < rate) {
          met(kind, point);
          return kind;
        }
        left -= rate;
      }
      return undefined;
    },
    met,
    end() {
      isOver = true;
    },
    get isOver() {
      return isOver;
    },
    counts,
    points,
  };

  function met(kind: FaultKind, point: string): void {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    const where = `${point}:${kind}`;
    points.set(where, (points.get(where) ?? 0) + 1);
    note?.(point, kind);
  }
}

/** A world in which nothing goes wrong. */
export function noFaults(): Faults {
  return createFaults({
    rates: {},
    dice: {
      chance: () => false,
      whole: (from) => from,
      pick: ([first]) => first,
      any: ([first]) => first,
      random: () => 0,
    },
  });
}
