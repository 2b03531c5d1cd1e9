// Makes a failing seed's world smaller for as long as it fails: fewer faults, then fewer steps, devices and tabs.
import { faultKinds, type FaultKind } from './kinds.ts';
import type { PlanBounds } from './plan.ts';
import { simulate, type SimReport } from './simulate.ts';

/** A failing world, made small. */
export interface Shrunk {
  readonly bounds: PlanBounds;
  readonly report: SimReport;
  /** How many worlds were tried. */
  readonly runs: number;
}

/** Answers the smallest world found in which a check still fails; undefined when the seed does not fail at all. */
export async function shrink(seed: number, bounds: PlanBounds = {}): Promise<Shrunk | undefined> {
  let runs = 0;
  let best = bounds;
  let report = await run(best);
  if (report.violation === undefined) return undefined;

  // Many at once first; then one by one what is left.
  for (const size of [16, 8, 4, 2, 1]) {
    const left = faultKinds.filter((kind) => report.plan.rates[kind] !== undefined);
    for (let at = 0; at < left.length; at += size) await attempt(without(left.slice(at, at + size)));
  }
  for (let cut = Math.floor(report.plan.steps / 2); cut > 0; cut = Math.floor(cut / 2)) {
    while (report.plan.steps > cut && (await attempt({ ...best, stepsMax: report.plan.steps - cut })));
  }
  while (report.plan.devicesMax > 1 && (await attempt({ ...best, devicesMax: report.plan.devicesMax - 1 })));
  while (report.plan.tabsMax > 1 && (await attempt({ ...best, tabsMax: report.plan.tabsMax - 1 })));
  return { bounds: best, report: await run(best, true), runs };

  function without(kinds: readonly FaultKind[]): PlanBounds {
    return { ...best, without: [...(best.without ?? []), ...kinds] };
  }

  async function attempt(next: PlanBounds): Promise<boolean> {
    const its = await run(next);
    if (its.violation === undefined) return false;
    best = next;
    report = its;
    return true;
  }

  function run(its: PlanBounds, timeline = false): Promise<SimReport> {
    runs += 1;
    return simulate(seed, { ...its, timeline });
  }
}
