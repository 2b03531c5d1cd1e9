// One dispatch that somebody awaits, or that has a context of its own: who has not ended yet, and what failed.
import { Failure } from '../failure.ts';
import { dispatchFailed, type HandlerFailure } from './failures.ts';
import type { Item, Mailbox } from './mailbox.ts';

/** One dispatch, as those see it who handle its event. */
export interface Run {
  readonly context: unknown;
  /** True while somebody waits for the outcome; then failures are theirs. */
  awaited: boolean;
  /** Given up: what it has not reached by now it never reaches. */
  over: boolean;
  /** Handlers that have not ended, and 1 while the event is still being handed out. */
  pending: number;
  readonly failures: HandlerFailure[];
  /** Those that did not end at once. */
  readonly items: Item[];
  /** Hands the event out, where that is not simply to all at once. */
  handOut?: (boxes: readonly Mailbox[], offer: (box: Mailbox) => void) => void;
  /** Called whenever one has ended: by who awaits all, and by who goes on with the next. */
  onEnd?: () => void;
  onStep?: () => void;
  /** Called when it was given up. */
  onGiveUp?: (failure: Failure) => void;
}

/** Makes a run. */
export function createRun(awaited: boolean, context: unknown): Run {
  return { context, awaited, over: false, pending: 1, failures: [], items: [] };
}

/** One has ended. */
export function release(run: Run): void {
  run.pending -= 1;
  run.onEnd?.();
  run.onStep?.();
}

/** What the handlers' failures amount to. */
export function failureOf(run: Run, type: string): Failure | undefined {
  return run.failures.length === 0 ? undefined : dispatchFailed(type, run.failures);
}

/** Stops waiting: what has not begun is taken back, what is running is told so. */
export function giveUp(run: Run, name: 'TimedOut' | 'Cancelled' | 'Closed', why: string, cause?: unknown): void {
  const open = run.items.filter((item) => item.open);
  const names = open.map((item) => item.box.name).join(', ');
  const failure = new Failure(name, `${why}; not ended: ${names || 'none had begun'}`, { cause });
  run.over = true;
  run.awaited = false;
  for (const item of open) item.box.withdraw(item, failure);
  run.onGiveUp?.(failure);
  run.onEnd?.();
  run.onStep?.();
}
