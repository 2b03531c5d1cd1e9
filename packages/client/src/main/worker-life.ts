// One worker from its first word to its end, which is noticed however it comes.
import { Failure, toFailure, type EngineHello, type EngineListener, type World } from '@godwit/core';
import { expose, wrap, type Remote } from 'comlink';
import type { TokenSource } from '../link/token.ts';
import {
  borderVersion,
  pack,
  unpack,
  type Outcome,
  type PageSide,
  type WorkerOptions,
  type WorkerSide,
} from '../worker/border.ts';
import { createCalls } from './calls.ts';
import type { StartedWorker } from './start-worker.ts';
import { workerFailed } from './worker-failed.ts';

/** How long a worker may take to load and say hello, in milliseconds: a slow network fetches its file in that time. */
const helloMsMax = 20_000;
/** How long opening the database may take: its own bounds come first. */
const startMsMax = 30_000;
/** How long a worker that missed a call's time may take to say that it lives. A disk is slow; a thread that runs is not. */
const aliveMsMax = 5000;

/** A worker that is in use. */
export interface WorkerLife {
  /** Starts the engine in it. @throws Failure `WorkerFailed` when it does not come to that */
  start(listener: EngineListener): Promise<EngineHello>;
  /** @throws Failure what the worker answers; `TimedOut`; whatever ended the worker */
  ask<Value>(what: string, ms: number, call: (side: Remote<WorkerSide>) => Promise<Outcome<Value>>): Promise<Value>;
  /** Ends it. Leaves no worker, lock or listener behind. Twice is once. */
  release(why: Failure): void;
}

/** Takes a worker into use. `ended` hears of its end, once it has started and was not released. */
export function createWorkerLife(parts: {
  readonly started: StartedWorker;
  readonly world: World;
  readonly options: WorkerOptions;
  readonly token: TokenSource | undefined;
  /** Absent on an insecure origin. */
  readonly locks: Pick<LockManager, 'request'> | undefined;
  readonly ended: (failure: Failure) => void;
}): WorkerLife {
  const { started, options, locks, token } = parts;
  const { worker } = started;
  const calls = createCalls(parts.world);
  const life = new AbortController();
  const side = wrap<WorkerSide>(worker);
  let isStarted = false;
  return {
    async start(listener) {
      // One whose file does not come says so without a message.
      started.failed(({ message }) => end(message ? `it threw: ${message}` : 'it could not be loaded'));
      worker.addEventListener('messageerror', () => end('a message to or from it could not be read'), {
        signal: life.signal,
      });
      expose(pageSide(listener, token), {
        postMessage: (...message: [unknown, Transferable[]]) => worker.postMessage(...message),
        // What a worker said before it ended may still be on its way when its successor goes on from there.
        addEventListener: (type, hear) => worker.addEventListener(type, hear, { signal: life.signal }),
        removeEventListener: (type, hear) => worker.removeEventListener(type, hear),
      });
      try {
        const version = await calls.answer('say hello', helloMsMax, () => side.hello());
        if (version !== borderVersion) {
          throw workerFailed(`it speaks version ${version} and the page ${borderVersion}: they are of two releases`);
        }
        const hello = unpack(await calls.answer('start', startMsMax, async () => side.start(options)));
        isStarted = true;
        watch();
        return hello;
      } catch (error) {
        const failure = startFailure(error);
        release(failure);
        throw failure;
      }
    },
    async ask(what, ms, call) {
      try {
        return unpack(await calls.answer(what, ms, () => call(side)));
      } catch (error) {
        if (toFailure(error).name === 'TimedOut' && !life.signal.aborted) void ping();
        throw error;
      }
    },
    release,
  };

  /** Whether a call that was not answered in time is the disk's fault, or the thread's. */
  async function ping(): Promise<void> {
    try {
      await calls.answer('say that it lives', aliveMsMax, () => side.hello());
    } catch (error) {
      end(toFailure(error).message);
    }
  }

  /** A worker that ends without a word, as one that is terminated does, lets go of its lock. */
  function watch(): void {
    locks
      ?.request(options.alive, { signal: life.signal }, () => end('it ended while it was in use'))
      // Aborted at the release: nobody waits any more.
      .catch(() => undefined);
  }

  function end(why: string): void {
    if (life.signal.aborted) return;
    const failure = workerFailed(why);
    release(failure);
    if (isStarted) parts.ended(failure);
  }

  function release(why: Failure): void {
    if (life.signal.aborted) return;
    life.abort();
    calls.fail(why);
    worker.terminate();
  }
}

/** What the worker may ask of the page. */
function pageSide(listener: EngineListener, token: TokenSource | undefined): PageSide {
  return {
    deliver: (batch) => pack(() => listener.deliver(batch)),
    status: (status) => pack(() => listener.status(status)),
    report: (failure) => pack(() => listener.report(failure)),
    run: (handler, tasks, stored) => pack(() => listener.run(handler, tasks, stored)),
    drop: (handler, failure) => pack(() => listener.drop(handler, failure)),
    finish: (handler, graceMs) => pack(() => listener.finish(handler, graceMs)),
    keys: (handler, events) => pack(() => listener.keys(handler, events)),
    alive: () => pack(() => listener.alive()),
    token: () => pack(() => token?.()),
  };
}

/** What the worker itself says is said well; what keeps it from being made, or from answering, is a worker's failure. */
function startFailure(error: unknown): Failure {
  const { name, message } = toFailure(error, 'WorkerFailed');
  if (error instanceof Failure && name !== 'TimedOut') return error;
  return workerFailed(message, error);
}
