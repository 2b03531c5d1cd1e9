// What a seed's world is like: how large, how long, and which faults strike in it, and how often.
import type { Dice } from './dice.ts';
import { callFaultKinds, callFaults, stepFaultKinds, stepFaults, type FaultKind } from './kinds.ts';

/** A world before it begins. */
export interface Plan {
  readonly devicesMax: number;
  readonly tabsMax: number;
  readonly channels: readonly string[];
  readonly steps: number;
  /** By kind: a probability at each call, or a weight among the steps. */
  readonly rates: Readonly<Partial<Record<FaultKind, number>>>;
  readonly temper: Temper;
  readonly ringBytes: number;
  /** Readers begin where the log begins, or where it stands. */
  readonly from: 'earliest' | 'latest';
  readonly scheduler: 'concurrent' | 'cooperative';
  readonly batch: number;
  /** How many events a device keeps, once they are old. */
  readonly keptMax: number;
  /** The longest that passes between two steps, in milliseconds. */
  readonly pauseMsMax: number;
  /** How many events the relay keeps of a channel. */
  readonly retentionEvents: number;
  /** How many read the relay by hand, at most. */
  readonly strangersMax: number;
}

/** How wild a world is. */
export type Temper = 'calm' | 'middling' | 'wild';

/** What a caller may bound or switch off; a run of the same seed is otherwise the same. */
export interface PlanBounds {
  readonly devicesMax?: number | undefined;
  readonly tabsMax?: number | undefined;
  readonly stepsMax?: number | undefined;
  readonly without?: readonly FaultKind[] | undefined;
}

/** How much more often than in the middle a fault strikes. */
const tempers = { calm: 0, middling: 1, wild: 3 } as const;

/** Draws a plan. Each seed has a choice of faults of its own, so that some meet each other undisturbed. */
export function drawPlan(dice: Dice, bounds: PlanBounds = {}): Plan {
  const temper = dice.pick(['calm', 'middling', 'middling', 'middling', 'wild', 'wild'] as const);
  const share = dice.pick([0.15, 0.4, 0.8] as const);
  const rates: Partial<Record<FaultKind, number>> = {};
  // Tabs, devices and readers by hand come in every world.
  const always = new Set<FaultKind>(['tab.opened', 'device.added', 'stranger.came']);
  for (const kind of callFaultKinds) draw(kind, callFaults[kind]);
  for (const kind of stepFaultKinds) draw(kind, stepFaults[kind]);

  function draw(kind: FaultKind, rate: number): void {
    const isDrawn = dice.chance(share);
    const strength = 0.3 + 1.7 * dice.random();
    const factor = always.has(kind) ? Math.max(1, tempers[temper]) : isDrawn ? tempers[temper] : 0;
    if (factor > 0 && bounds.without?.includes(kind) !== true)
      rates[kind] = Math.min(0.9 * Math.max(1, rate), rate * factor * strength);
  }

  return {
    temper,
    rates,
    devicesMax: Math.min(dice.whole(1, 3), bounds.devicesMax ?? Infinity),
    tabsMax: Math.min(dice.whole(1, 3), bounds.tabsMax ?? Infinity),
    channels: dice.chance(0.5) ? ['a'] : ['a', 'b'],
    steps: Math.min(dice.whole(10, 45), bounds.stepsMax ?? Infinity),
    ringBytes: dice.pick([500, 4000, 1_000_000]),
    from: dice.pick(['earliest', 'earliest', 'latest']),
    scheduler: dice.pick(['concurrent', 'cooperative']),
    batch: dice.pick([4, 64]),
    keptMax: dice.pick([0, 20, 100]),
    pauseMsMax: dice.pick([200, 3000, 20_000]),
    retentionEvents: dice.pick([Infinity, Infinity, 40, 10]),
    strangersMax: dice.whole(0, 4),
  };
}
