// The engine as the page's thread has it: one that lives in a worker, and whose end is noticed.
import {
  Failure,
  failureToJson,
  toFailure,
  type Engine,
  type EngineHello,
  type EngineListener,
  type EngineStatus,
  type World,
} from '@godwit/core';
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

/** How long a worker may take to load and say hello, in milliseconds: a slow network fetches its file in that time. */
const helloMsMax = 20_000;
/** How long opening the database may take: its own bounds come first. */
const startMsMax = 30_000;
/** How long one commit may take, on a disk that is busy. */
const callMsMax = 30_000;
/** How long closing waits for what is under way. */
const closeMsMax = 10_000;

/** What a worker's engine is made of. */
export interface WorkerEngineParts {
  readonly worker: () => Worker;
  readonly world: World;
  readonly options: WorkerOptions;
  readonly token: TokenSource | undefined;
  /** Absent on an insecure origin. */
  readonly locks: Pick<LockManager, 'request'> | undefined;
}

/** Makes the engine. The worker is made at `start`, and ended at `close` or when it fails. */
export function createWorkerEngine(parts: WorkerEngineParts): Engine {
  const { world, options, token, locks } = parts;
  const calls = createCalls(world);
  const life = new AbortController();
  let worker: Worker | undefined;
  let remote: Remote<WorkerSide> | undefined;
  let listener: EngineListener | undefined;
  /** The last that the worker said. */
  let standing: EngineStatus = {
    role: 'solo',
    connection: 'closed',
    pending: 0,
    paused: [],
    handlers: [],
    tasksPaused: false,
    trimmed: 0,
  };

  return {
    async start(itsListener) {
      if (worker !== undefined) throw new Failure('Internal', 'the engine was started twice');
      try {
        const hello = await begin(itsListener);
        // Whoever awaits the start hears of its failure; the listener hears of later ones.
        listener = itsListener;
        return hello;
      } catch (error) {
        release();
        throw startFailure(error);
      }
    },
    record: (drafts) => ask('record events', callMsMax, async (side) => side.record(drafts)),
    setPaused: (paused) => ask('pause or resume', callMsMax, async (side) => side.setPaused(paused)),
    define: (spec) => ask('start a handler', callMsMax, async (side) => side.define(spec)),
    undefine: (name, graceMs) =>
      ask('stop a handler', callMsMax + graceMs, async (side) => side.undefine(name, graceMs)),
    settle: (outcomes) => ask('take outcomes', callMsMax, async (side) => side.settle(outcomes)),
    hold: (held) => ask('start the handlers', callMsMax, async (side) => side.hold(held)),
    pauseTasks: (paused) => ask('pause the handlers', callMsMax, async (side) => side.pauseTasks(paused)),
    stopTasks: (graceMs) => ask('stop the handlers', callMsMax + graceMs, async (side) => side.stopTasks(graceMs)),
    handlers: () => ask('list the handlers', callMsMax, async (side) => side.handlers()),
    tasks: (query, page) => ask('list tasks', callMsMax, async (side) => side.tasks(query, page)),
    changeTasks: (query, change) => ask(`${change} tasks`, callMsMax, async (side) => side.changeTasks(query, change)),
    async close() {
      listener = undefined;
      try {
        if (!life.signal.aborted) await ask('close', closeMsMax, async (side) => side.close());
      } finally {
        release();
      }
    },
  } satisfies Engine;

  async function begin(itsListener: EngineListener): Promise<EngineHello> {
    worker = parts.worker();
    worker.addEventListener('error', onError, { signal: life.signal });
    worker.addEventListener('messageerror', onMessageError, { signal: life.signal });
    expose(pageSide(itsListener, token), worker);
    const side = wrap<WorkerSide>(worker);
    remote = side;
    const version = await calls.answer('say hello', helloMsMax, () => side.hello());
    if (version !== borderVersion) {
      throw failed(`it speaks version ${String(version)} and the page ${borderVersion}: they are of two releases`);
    }
    const hello = unpack(await calls.answer('start', startMsMax, async () => side.start(options)));
    standing = hello.status;
    watchLife();
    return hello;
  }

  async function ask<Value>(
    what: string,
    ms: number,
    call: (side: Remote<WorkerSide>) => Promise<Outcome<Value>>,
  ): Promise<Value> {
    const side = remote;
    if (side === undefined) throw new Failure('Internal', `the engine was asked to ${what} before it was started`);
    return unpack(await calls.answer(what, ms, () => call(side)));
  }

  /** A worker that ends without a word, as one that is terminated does, lets go of its lock. */
  function watchLife(): void {
    locks
      ?.request(options.alive, { signal: life.signal }, () => {
        if (!life.signal.aborted) end(failed('it ended while it was in use'));
      })
      // Aborted at close: nobody waits any more.
      .catch(() => undefined);
  }

  function onError(event: ErrorEvent): void {
    event.preventDefault();
    end(failed(event.message === '' ? 'it could not be loaded' : `it threw: ${event.message}`));
  }

  function onMessageError(): void {
    end(failed('a message to or from it could not be read'));
  }

  function end(failure: Failure): void {
    calls.fail(failure);
    const told = listener;
    release();
    // What a listener does with it is its own affair; there is nobody left to tell.
    void pack(() => told?.status({ ...standing, role: 'solo', connection: 'closed' }));
    void pack(() => told?.report(failureToJson(failure)));
  }

  /** Leaves no worker, lock or listener behind. Doing it twice is doing it once. */
  function release(): void {
    if (life.signal.aborted) return;
    life.abort();
    calls.fail(new Failure('Closed', 'the runtime is closed; create another'));
    worker?.terminate();
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
  return failed(message, error);
}

function failed(why: string, cause?: unknown): Failure {
  return new Failure(
    'WorkerFailed',
    `the worker failed: ${why}. Is its file served beside the page's script? If a bundler moves it, hand in \`worker\`, ` +
      "a function that makes a module worker of '@godwit/client/worker'.",
    { cause },
  );
}
