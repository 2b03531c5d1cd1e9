// The engine as the page's thread has it: one that lives in a worker, and in another worker when that one dies.
import {
  Failure,
  failureToJson,
  toFailure,
  type Engine,
  type EngineHello,
  type EngineListener,
  type EngineStatus,
  type Stop,
  type World,
} from '@godwit/core';
import type { Remote } from 'comlink';
import type { TokenSource } from '../link/token.ts';
import { pack, type Outcome, type WorkerOptions, type WorkerSide } from '../worker/border.ts';
import { watchPage, type PageEvents } from './page-life.ts';
import { createStandingOrders } from './standing-orders.ts';
import type { StartedWorker } from './start-worker.ts';
import { watchVisibility, type VisiblePage } from './visibility.ts';
import { createWorkerLife, type WorkerLife } from './worker-life.ts';
import { workerFailed } from './worker-failed.ts';

/** How long one commit may take, in milliseconds, on a disk that is busy. */
const callMsMax = 30_000;
/** How long closing waits for what is under way. */
const closeMsMax = 10_000;
/** How often a worker that died is followed by another, until one has lived for `restartsMs`. */
const restartsMax = 3;
/** One that lived so long did not die of its start. */
const restartsMs = 60_000;

/** What a worker's engine is made of. */
export interface WorkerEngineParts {
  readonly first: StartedWorker;
  /** Makes another when the one before has died. */
  readonly worker: () => StartedWorker;
  readonly world: World;
  readonly options: WorkerOptions;
  readonly token: TokenSource | undefined;
  /** Absent where no page is: nobody looks at it. */
  readonly page: VisiblePage | undefined;
  /** Absent on an insecure origin. */
  readonly locks: Pick<LockManager, 'request'> | undefined;
  /** The page's window. */
  readonly window: PageEvents;
  /** A start that nobody waits for any more is given up at once. */
  readonly signal?: AbortSignal | undefined;
}

/** Makes the engine. A worker that dies is replaced, and the new one goes on where this tab has read to. */
export function createWorkerEngine(parts: WorkerEngineParts): Engine {
  const { world, options } = parts;
  let listener: EngineListener | undefined;
  let life: WorkerLife | undefined;
  /** The last that a worker said. */
  let hello: EngineHello | undefined;
  let standing: EngineStatus | undefined;
  /** Everything up to here was handed to the application. */
  let reached: number | undefined;
  const orders = createStandingOrders();
  let restarts = 0;
  let forget: (() => void) | undefined;
  /** The worker to ask, once there is one; rejects when there is none, and will be none. */
  let ready: Promise<WorkerLife> = Promise.reject(
    new Failure('Internal', 'the engine was asked before it was started'),
  );
  ready.catch(() => undefined);
  let isRestarting = false;
  let closing = false;
  let stopLooking: Stop | undefined;
  /** Questions that only the worker that was asked can answer. */
  let underWay = 0;
  /** Of a page that is away: it is back. */
  let comeBack: (() => void) | undefined;
  let stopWatching: (() => void) | undefined;

  const engine = {
    async start(itsListener) {
      if (listener !== undefined) throw new Failure('Internal', 'the engine was started twice');
      listener = itsListener;
      ready = begin(parts.first);
      const giveUp = (): void => life?.release(toFailure(parts.signal?.reason, 'Closed'));
      if (parts.signal?.aborted === true) giveUp();
      parts.signal?.addEventListener('abort', giveUp, { once: true });
      await ready.finally(() => parts.signal?.removeEventListener('abort', giveUp));
      if (hello === undefined) throw new Failure('Internal', 'the worker said nothing');
      // A worker that does not answer has worse to tell.
      stopLooking = watchVisibility(parts.page, (visible) => engine.setVisible(visible).catch(() => undefined));
      stopWatching = watchPage(parts.window, {
        left,
        back: () => comeBack?.(),
        online: () => void engine.hurry().catch(() => undefined),
      });
      return hello;
    },
    record: (drafts) => ask('record events', callMsMax, async (side) => side.record(drafts)),
    outcomes: (items) => askAgain('look for outcomes', callMsMax, async (side) => side.outcomes(items)),
    waiting: () => askAgain('look at what waits', callMsMax, async (side) => side.waiting()),
    read: (after, limit) => askAgain('read the log', callMsMax, async (side) => side.read(after, limit)),
    setPaused(asked) {
      orders.isPaused = asked;
      return askAgain('pause or resume', callMsMax, async (side) => side.setPaused(asked));
    },
    hurry: () => askAgain('hurry', callMsMax, async (side) => side.hurry()),
    setVisible(visible) {
      orders.isVisible = visible;
      return askAgain('say whether it is seen', callMsMax, async (side) => side.setVisible(visible));
    },
    async define(spec) {
      orders.handlers.set(spec.name, spec);
      try {
        if (!isRestarting) return await ask('start a handler', callMsMax, async (side) => side.define(spec));
      } catch (error) {
        if (!isRestarting) throw error;
      }
      // The next worker is told of it with the others.
      await ready;
    },
    undefine(name, graceMs) {
      orders.handlers.delete(name);
      return ask('stop a handler', callMsMax + graceMs, async (side) => side.undefine(name, graceMs));
    },
    settle: (outcomes) => ask('take outcomes', callMsMax, async (side) => side.settle(outcomes)),
    hold(held) {
      orders.isHeld = held;
      return askAgain('start the handlers', callMsMax, async (side) => side.hold(held));
    },
    pauseTasks(asked) {
      orders.tasksPaused = asked;
      return askAgain('pause the handlers', callMsMax, async (side) => side.pauseTasks(asked));
    },
    stopTasks: (graceMs) => ask('stop the handlers', callMsMax + graceMs, async (side) => side.stopTasks(graceMs)),
    handlers: () => askAgain('list the handlers', callMsMax, async (side) => side.handlers()),
    tasks: (query, page) => askAgain('list tasks', callMsMax, async (side) => side.tasks(query, page)),
    changeTasks: (query, change) => ask(`${change} tasks`, callMsMax, async (side) => side.changeTasks(query, change)),
    close: () => end(async (side) => side.close()),
    destroy: () => end(async (side) => side.destroy()),
  } satisfies Engine;
  return engine;

  async function end(call: (side: Remote<WorkerSide>) => Promise<Outcome<void>>): Promise<void> {
    closing = true;
    stopWatching?.();
    forget?.();
    stopLooking?.();
    comeBack?.();
    try {
      const its = await ready.catch(() => undefined);
      await its?.ask('close', closeMsMax, call);
    } finally {
      life?.release(new Failure('Closed', 'the runtime is closed; create another'));
    }
  }

  async function ask<Value>(...question: Parameters<typeof asked<Value>>): Promise<Value> {
    underWay += 1;
    try {
      return await asked(...question);
    } finally {
      underWay -= 1;
    }
  }

  async function asked<Value>(
    what: string,
    ms: number,
    call: (side: Remote<WorkerSide>) => Promise<Outcome<Value>>,
  ): Promise<Value> {
    const its = await ready;
    return its.ask(what, ms, call);
  }

  /** What may be asked twice is asked of the next worker, where this one dies before it answers. */
  async function askAgain<Value>(...question: Parameters<typeof asked<Value>>): Promise<Value> {
    try {
      return await asked(...question);
    } catch (error) {
      if (!isRestarting) throw error;
      return asked(...question);
    }
  }

  async function begin(started: StartedWorker): Promise<WorkerLife> {
    const its = createWorkerLife({
      ...parts,
      started,
      options: { ...options, after: reached, alive: `${options.alive}:${restarts}` },
      ended,
    });
    life = its;
    hello = await its.start(heard());
    remember(hello.status);
    reached ??= hello.after;
    forget = world.after(restartsMs, () => {
      restarts = 0;
    });
    return its;
  }

  /** The application's listener, and what is remembered for a worker's successor. */
  function heard(): EngineListener {
    const its = listener;
    if (its === undefined) throw new Failure('Internal', 'nobody listens');
    return {
      ...its,
      async deliver(batch) {
        const isHeard = await its.deliver(batch);
        // Whoever listens by now gets what was passed over after all, from this worker or from the next.
        for (const delivery of batch) {
          if ('position' in delivery && !(isHeard && delivery.kind === 'passed')) reached = delivery.position;
        }
        return isHeard;
      },
      status(status) {
        remember(status);
        return its.status(status);
      },
    };
  }

  function remember(status: EngineStatus): void {
    standing = status;
    orders.heard(status);
  }

  function ended(failure: Failure): void {
    forget?.();
    if (closing) return;
    if (restarts === restartsMax || hello?.storage === 'memory') return lost(failure);
    restarts += 1;
    report(new Failure(failure.name, `${failure.message} Another is started.`, { cause: failure }));
    follow(failure, Promise.resolve());
  }

  /**
   * The page goes into the back/forward cache, where its worker would be stopped with the device's lead in its hands. A
   * page is told of it in the last moment, so the worker is ended, not asked; one that is in the midst of something is
   * left to end that when it wakes, and the other tabs help themselves.
   */
  function left(): void {
    if (isRestarting || hello?.storage === 'memory' || underWay > 0) return;
    const why = new Failure('Fenced', 'the page was left');
    life?.release(why);
    forget?.();
    follow(why, new Promise((resolve) => (comeBack = resolve)));
  }

  /** Has another worker in the place of the one that has ended, once it is time. */
  function follow(why: Failure, time: Promise<void>): void {
    isRestarting = true;
    orders.ended();
    stand('connecting');
    const mine = time.then(() => restart(why));
    ready = mine;
    // One that dies while it is told what the one before knew is followed by another.
    mine.catch((error: unknown) => ready === mine && lost(toFailure(error)));
  }

  async function restart(why: Failure): Promise<WorkerLife> {
    const before = hello;
    const itsListener = listener;
    // What runs here runs under a lease that ended with the worker.
    const fenced = failureToJson(new Failure('Fenced', `the lease was lost: ${why.message}`), { stack: false });
    await Promise.all([...orders.handlers.keys()].map((name) => pack(() => itsListener?.drop(name, fenced))));
    const its = await begin(parts.worker());
    if (hello?.deviceId !== before?.deviceId) {
      throw workerFailed('the device\u2019s log was lost with it, so create another runtime', why);
    }
    if (standing !== undefined) await itsListener?.status(standing);
    await orders.repeat(async (what, call) => its.ask(what, callMsMax, call));
    isRestarting = false;
    return its;
  }

  /** There is no worker any more. */
  function lost(failure: Failure): void {
    isRestarting = false;
    stopLooking?.();
    life?.release(failure);
    ready = Promise.reject(failure);
    ready.catch(() => undefined);
    stopWatching?.();
    stand('closed');
    report(failure);
  }

  /** What a listener does with what it hears is its own affair; there is nobody left to tell. */
  function report(failure: Failure): void {
    const told = listener;
    void pack(() => told?.report(failureToJson(failure)));
  }

  function stand(connection: EngineStatus['connection']): void {
    const told = listener;
    if (standing !== undefined) {
      const { connection: before } = standing;
      standing = {
        ...standing,
        role: 'solo',
        connection: before === 'none' && connection !== 'closed' ? before : connection,
      };
    }
    const status = standing;
    if (status !== undefined) void pack(() => told?.status(status));
  }
}
