// One seed's world, from its beginning to its rest: the same seed is the same run, to the last line of its timeline.
import type { FaultKind } from './kinds.ts';
import type { Plan, PlanBounds } from './plan.ts';
import { comeToRest } from './rest.ts';
import { createScene, type Scene } from './scene.ts';
import { doStep } from './steps.ts';

/** How to run a seed. */
export interface SimulateOptions extends PlanBounds {
  /** Keeps who did what, when. */
  readonly timeline?: boolean;
}

/** How a seed's run went. */
export interface SimReport {
  readonly seed: number;
  readonly plan: Plan;
  /** What must never be, and was; undefined: nothing. */
  readonly violation: string | undefined;
  /** Virtual milliseconds. */
  readonly elapsedMs: number;
  /** Calls of `publish`, and what came of them. */
  readonly counts: {
    readonly published: number;
    readonly acknowledged: number;
    readonly refused: number;
    readonly runs: number;
    readonly handled: number;
  };
  /** Events that the relay's logs took. */
  readonly stored: number;
  readonly faults: ReadonlyMap<FaultKind, number>;
  /** As `point:kind`; 0 where it might have struck, and did not. */
  readonly points: ReadonlyMap<string, number>;
  /** Empty unless it was asked for. */
  readonly timeline: readonly string[];
}

/**
 * Lets the world of a seed happen: devices with tabs that run the real runtime, one relay, and whatever faults the seed
 * draws. It ends at the first check that fails, or at rest, when everything that was promised has been looked at.
 */
export async function simulate(seed: number, options: SimulateOptions = {}): Promise<SimReport> {
  const scene = createScene(seed, options);
  const { base, plan, dice } = scene;
  for (let step = 0; step < plan.steps && scene.violation === undefined; step += 1) {
    doStep(scene);
    await base.advance(dice.whole(0, plan.pauseMsMax) + scene.longPauseMs);
    scene.longPauseMs = 0;
    scene.look();
  }
  if (scene.violation === undefined) await comeToRest(scene);
  const report = reportOf(scene);
  await bury(scene);
  return report;
}

/** Ends whatever is left. Nothing of it is looked at any more. */
async function bury({ devices, relay, base }: Scene): Promise<void> {
  const lives = devices.flatMap(({ tabs }) => tabs.map(({ life }) => life));
  for (const life of lives) life.kill();
  relay.bury();
  for (const life of lives) life.bury();
  await base.settle();
}

function reportOf(scene: Scene): SimReport {
  const { seed, plan } = scene;
  return {
    seed,
    plan,
    violation: scene.violation,
    elapsedMs: scene.elapsed(),
    counts: { ...scene.counts },
    stored: scene.history.size,
    faults: new Map(scene.faults.counts),
    points: new Map(scene.faults.points),
    timeline: [...scene.timeline],
  };
}
