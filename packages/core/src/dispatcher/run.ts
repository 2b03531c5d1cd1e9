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
  failures: HandlerFailure[] | undefined;
  /** Those that did not end at once. */
  items: Item[] | undefined;
  /** The second in which it gives up by itself. */
  endsAt: number;
  /** Hands the event out, where that is not simply to all at once. */
  handOut: ((boxes: readonly Mailbox[], offer: (box: Mailbox) => void) => void) | undefined;
  /** What is dispatched. */
  readonly type: string;
  /** Called when all have ended, or it was given up. */
  onEnd: ((run: Run) => void) | undefined;
  /** Called whenever one has ended, by who goes on with the next. */
  onStep: (() => void) | undefined;
  /** Settle the promise of who awaits it. */
  resolve: (() => void) | undefined;
  reject: ((failure: Failure) => void) | undefined;
}

/** Makes a run. */
export function createRun(type: string, awaited: boolean, context: unknown): Run {
  return {
    type,
    context,
    awaited,
    over: false,
    pending: 1,
    failures: undefined,
    items: undefined,
    endsAt: Infinity,
    handOut: undefined,
    onEnd: undefined,
    onStep: undefined,
    resolve: undefined,
    reject: undefined,
  };
}

/** One has ended. */
export function release(run: Run): void {
  run.pending -= 1;
  if (run.pending === 0) run.onEnd?.(run);
  run.onStep?.();
}

/** What the handlers' failures amount to. */
export function failureOf({ type, failures }: Run): Failure | undefined {
  return failures === undefined ? undefined : dispatchFailed(type, failures);
}

/** Stops waiting: what has not begun is taken back, what is running is told so. */
export function giveUp(run: Run, name: 'TimedOut' | 'Cancelled' | 'Closed', why: string, cause?: unknown): void {
  const open = (run.items ?? []).filter((item) => item.open);
  const names = open.map((item) => item.box.name).join(', ');
  const failure = new Failure(name, `${why}; not ended: ${names || 'none had begun'}`, { cause });
  run.over = true;
  run.awaited = false;
  run.reject?.(failure);
  for (const item of open) item.box.withdraw(item, failure);
  run.onEnd?.(run);
  run.onStep?.();
}
