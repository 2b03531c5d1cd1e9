// Lets faults strike, one after the other and some at the same time, for as long as the run lasts; then heals everything.
import { setTimeout } from 'node:timers/promises';
import type { Dice } from '@godwit/core/testing';
import { affected, faults, type Fault, type Target } from './faults.ts';
import type { Recoveries } from './recoveries.ts';
import type { Stage } from './stage.ts';

/** What strikes. */
export interface Havoc {
  /** How often each kind has struck. */
  readonly counts: ReadonlyMap<string, number>;
  /** Kinds that this machine cannot have, and why. */
  readonly unable: ReadonlyMap<string, string>;
  /** Who struck what, when, in lines. */
  readonly timeline: readonly string[];
  /** What could not strike, or be healed, and why: such a run proves less than it says. */
  readonly failures: readonly string[];
  /** Strikes no more; resolves when everything is healed. */
  end(): Promise<void>;
}

/** How long it is quiet between two strikes, in milliseconds. A third of it, on average, is how many strike a second. */
const quietMsMax = 1500;

/** Begins. */
export function wreak(parts: {
  readonly stage: Stage;
  readonly dice: Dice;
  readonly recoveries: Recoveries;
  readonly told: (line: string) => void;
  readonly only: readonly string[] | undefined;
}): Havoc {
  const { stage, dice, recoveries, told, only } = parts;
  const counts = new Map<string, number>();
  const timeline: string[] = [];
  const begun = performance.now();
  const unable = new Map(
    faults.flatMap((fault): readonly [string, string][] => {
      const why = fault.unable?.(stage);
      return why === undefined ? [] : [[fault.kind, why]];
    }),
  );
  const able = faults.filter(
    ({ kind }) => !unable.has(kind) && only?.some((begin) => kind.startsWith(begin)) !== false,
  );
  const drawn = able.flatMap((fault) => Array.from({ length: fault.weight }, () => fault));
  const busy = new Set<Target>();
  const strikes = new Set<Promise<void>>();
  const failures: string[] = [];
  const ending = new AbortController();
  const running = run();

  return {
    counts,
    unable,
    timeline,
    failures,
    async end() {
      ending.abort();
      await running;
      await Promise.all(strikes);
    },
  };

  async function run(): Promise<void> {
    while (!ending.signal.aborted) {
      await pause(dice.whole(0, quietMsMax));
      const fault = dice.any(drawn);
      const target = fault === undefined ? undefined : dice.any(fault.targets(stage));
      if (ending.signal.aborted || fault === undefined || target === undefined || busy.has(target)) continue;
      const strike = struck(fault, target, dice.whole(fault.msMin ?? 1, fault.msMax)).catch((error: unknown) => {
        const failure = `${fault.kind}, ${target}: ${String(error)}`;
        note(`FAILED: ${failure}`);
        failures.push(failure);
      });
      strikes.add(strike);
      void strike.then(() => strikes.delete(strike));
    }
  }

  async function struck(fault: Fault, target: Target, ms: number): Promise<void> {
    const who = affected(stage, target);
    busy.add(target);
    counts.set(fault.kind, (counts.get(fault.kind) ?? 0) + 1);
    recoveries.struck(who);
    note(`${fault.kind}, ${target}, for ${ms} ms`);
    const heal = await fault.strike(stage, target, dice);
    await pause(ms);
    await heal();
    note(`${fault.kind}, ${target}: healed`);
    busy.delete(target);
    recoveries.healed(fault.kind, who);
  }

  /** Cut short by the end. */
  async function pause(ms: number): Promise<void> {
    await setTimeout(ms, undefined, { signal: ending.signal }).catch(() => undefined);
  }

  function note(line: string): void {
    timeline.push(`${((performance.now() - begun) / 1000).toFixed(2).padStart(8)} s  ${line}`);
    told(timeline.at(-1) ?? '');
  }
}
