// The runs of durable handlers in a simulated world: who runs what, and that nobody else does at the same time.
import type { Delivered } from '../../runtime/runtime.ts';
import type { Disk, NoteData } from './device.ts';
import type { Run } from './application.ts';
import { attemptsMax } from './handlers.ts';
import type { SimTab } from './sim-tab.ts';

/** The account of all runs. */
export interface Runs {
  /** A durable handler begins. Answers what is to be called once it has handled the event, and once it is left. */
  begins(run: Run, event: Delivered<string, NoteData>): { handled(): void; left(): void };
  /** What runs now of this handler in this tab may not go on: answers the look that says whether it does. */
  over(tab: SimTab, handler: string): () => void;
  /** By `handler id`, on one disk: how often it was handled. */
  handledOn(disk: Disk): ReadonlyMap<string, number>;
}

/** Of one event with one handler on one disk. */
interface Course {
  readonly active: Set<Run>;
  begun: number;
}

/** Keeps the account. `isWell` tells whether nothing excuses a tab that has lost a lease and does not know. */
export function createRuns(parts: {
  readonly fail: (message: string) => void;
  readonly note: (who: string, what: string) => void;
  readonly isWell: (tab: SimTab) => boolean;
  readonly counts: { runs: number; handled: number };
}): Runs {
  const { fail, note, isWell, counts } = parts;
  const courses = new Map<string, Course>();
  const handled = new Map<Disk, Map<string, number>>();
  /** Of each disk, what runs in any of its tabs. */
  const underWay = new Map<Disk, Set<Run>>();

  return {
    begins(run, event) {
      const { tab, handler } = run;
      const its = `${handler} of ${event.position} (${event.id})`;
      const courseKey = `${tab.disk.source} ${handler} ${event.position}`;
      const course = courses.get(courseKey) ?? { active: new Set<Run>(), begun: 0 };
      courses.set(courseKey, course);
      const others = activeOn(tab.disk);
      for (const other of course.active) {
        if (!others.has(other)) course.active.delete(other);
        else if (other.tab === tab) fail(`${tab.name} runs ${its} twice at once`);
        else if (isWell(other.tab) && isWell(tab)) fail(`${tab.name} and ${other.tab.name} run ${its} at once`);
      }
      for (const other of others) {
        if (other.tab === tab && other.handler === handler && run.key !== null && other.key === run.key)
          fail(`${tab.name} runs ${its} beside another of the key ${run.key}`);
      }
      course.active.add(run);
      course.begun += 1;
      // A run that a shutdown interrupts has used no attempt.
      const { shutdowns, retries, uncounted } = tab.disk.facts;
      // Nor has one of a claim of which nobody knows what had begun.
      const more = shutdowns + (uncounted.get(`${handler} ${event.position}`) ?? 0);
      if (course.begun > attemptsMax * (1 + retries) + more) fail(`${its} has begun ${course.begun} times`);
      others.add(run);
      counts.runs += 1;
      note(tab.name, `begins ${its}`);
      return {
        handled() {
          counts.handled += 1;
          note(tab.name, `has handled ${its}`);
          const on = handled.get(tab.disk) ?? new Map<string, number>();
          const key = `${handler} ${event.id}`;
          handled.set(tab.disk, on.set(key, (on.get(key) ?? 0) + 1));
        },
        left() {
          course.active.delete(run);
          others.delete(run);
        },
      };
    },
    over(tab, handler) {
      const before = [...activeOn(tab.disk)].filter((run) => run.tab === tab && run.handler === handler);
      return () => {
        const now = activeOn(tab.disk);
        if (before.some((run) => now.has(run)))
          fail(`${tab.name} runs "${handler}" on, though it was told that it is another's`);
      };
    },
    handledOn: (disk) => handled.get(disk) ?? new Map(),
  };

  function activeOn(disk: Disk): Set<Run> {
    const all = underWay.get(disk) ?? new Set<Run>();
    underWay.set(disk, all);
    for (const run of all) if (run.signal.aborted || run.tab.life.isDead()) all.delete(run);
    return all;
  }
}
