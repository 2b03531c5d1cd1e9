// One tab's life: a frozen tab goes on where it was once it is thawed; a dead one never gets another answer.
import { Failure } from '../../failure.ts';
import type { Stop } from '../../ports/world.ts';

/** Whether a tab runs. */
export type LifeState = 'alive' | 'frozen' | 'dead';

/** A tab's life. */
export interface Life {
  readonly state: LifeState;
  /** A call of it hangs for good: a person would close it. */
  isStuck: boolean;
  /** When something last went wrong for it, in elapsed milliseconds; -Infinity: never. */
  readonly troubledAt: number;
  trouble(): void;
  /** It is over: also asked again behind a wait, in which it may have ended. */
  isDead(): boolean;
  freeze(): void;
  thaw(): void;
  kill(): void;
  /** Runs the callback once the tab may run: now, when it is thawed, or never. */
  run(callback: () => void): void;
  /** An answer from outside reaches the tab only while it runs. */
  gate<Answer>(answer: Promise<Answer>): Promise<Answer>;
  /** An answer that never comes. */
  never<Answer>(): Promise<Answer>;
  /** Hears of the death; at once, if it was before. */
  onDeath(listener: () => void): Stop;
  /**
   * Behind the world's end: whatever a dead tab still waits for is refused as `Closed`, so that nothing of it is kept. A
   * process that ends is forgotten by its system; one that was only simulated is held by the platform's own lists.
   */
  bury(): void;
  /** Hears of the burial. */
  onBurial(listener: () => void): void;
}

/** Begins a life. `elapsed` is the world's time, which no clock's jump moves. */
export function createLife(elapsed: () => number): Life {
  let state: LifeState = 'alive';
  let waiting: (() => void)[] = [];
  const mourners = new Set<() => void>();
  const diggers = new Set<() => void>();
  let isBuried = false;
  let isStuck = false;
  let troubledAt = -Infinity;

  const life: Life = {
    get state() {
      return state;
    },
    get isStuck() {
      return isStuck;
    },
    set isStuck(stuck) {
      isStuck = stuck;
    },
    get troubledAt() {
      return state === 'frozen' ? elapsed() : troubledAt;
    },
    trouble() {
      troubledAt = elapsed();
    },
    isDead: () => state === 'dead',
    freeze() {
      if (state === 'alive') state = 'frozen';
    },
    thaw() {
      if (state !== 'frozen') return;
      state = 'alive';
      life.trouble();
      const ready = waiting;
      waiting = [];
      for (const callback of ready) life.run(callback);
    },
    kill() {
      if (state === 'dead') return;
      state = 'dead';
      waiting = [];
      for (const mourner of mourners) mourner();
      mourners.clear();
    },
    run(callback) {
      if (state === 'alive') callback();
      else if (state === 'frozen') waiting.push(callback);
    },
    gate: (answer) =>
      new Promise((resolve, reject) => {
        const dig = refusing(reject);
        const settled = (settle: () => void): void =>
          life.run(() => {
            diggers.delete(dig);
            settle();
          });
        answer.then(
          (value) => settled(() => resolve(value)),
          (error: unknown) => settled(() => reject(error)),
        );
      }),
    never: () => new Promise((_resolve, reject) => void refusing(reject)),
    bury() {
      life.kill();
      isBuried = true;
      for (const dig of diggers) dig();
      diggers.clear();
    },
    onBurial: (listener) => void diggers.add(listener),
    onDeath(listener) {
      if (state === 'dead') {
        listener();
        return () => undefined;
      }
      const own = (): void => listener();
      mourners.add(own);
      return () => void mourners.delete(own);
    },
  };
  return life;

  function refusing(reject: (error: Failure) => void): () => void {
    const dig = (): void => reject(new Failure('Closed', 'the tab is dead, and its world has ended'));
    if (isBuried) dig();
    else diggers.add(dig);
    return dig;
  }
}
