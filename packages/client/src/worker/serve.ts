// The worker's side of the border: an engine, asked from the page.
import {
  Failure,
  failureToJson,
  type Engine,
  type EngineListener,
  type EngineStatus,
  type SharedEngine,
} from '@godwit/core';
import type { Remote } from 'comlink';
import { borderVersion, pack, unpack, type PageSide, type WorkerOptions, type WorkerSide } from './border.ts';
import { composeEngine, type EnginePlatform } from './compose.ts';

/** What an application runs beside the engine, in a worker of its own. */
export interface Beside {
  readonly share: (engine: Engine) => SharedEngine;
  /** The engine runs; the page hears so when this has resolved. */
  readonly started: (engine: Engine, channels: readonly string[]) => Promise<void>;
}

/** Answers the page's calls. An engine is made when the page asks to start. */
export function serveEngine(platform: EnginePlatform, page: Remote<PageSide>, beside?: Beside): WorkerSide {
  let engine: Engine | undefined;
  return {
    hello: () => borderVersion,
    start: (options) =>
      pack(async () => {
        if (engine !== undefined) throw new Failure('Internal', 'the engine was started twice');
        await holdLife(platform, options);
        const listener = listenerOf(page, platform);
        const made = await composeEngine({
          options,
          platform,
          token: options.hasToken ? async () => unpack(await page.token()) : undefined,
          report: (failure) => void listener.report(failureToJson(failure)),
        });
        const shared = beside?.share(made);
        engine = shared?.main ?? made;
        const hello = await engine.start(listener);
        if (shared !== undefined) {
          await beside?.started(
            shared.own,
            options.channels.map(([name]) => name),
          );
        }
        return hello;
      }),
    record: (...asked) => pack(() => started().record(...asked)),
    outcomes: (...asked) => pack(() => started().outcomes(...asked)),
    waiting: () => pack(() => started().waiting()),
    read: (...asked) => pack(() => started().read(...asked)),
    setPaused: (...asked) => pack(() => started().setPaused(...asked)),
    hurry: () => pack(() => started().hurry()),
    setVisible: (...asked) => pack(() => started().setVisible(...asked)),
    define: (...asked) => pack(() => started().define(...asked)),
    undefine: (...asked) => pack(() => started().undefine(...asked)),
    settle: (...asked) => pack(() => started().settle(...asked)),
    hold: (...asked) => pack(() => started().hold(...asked)),
    pauseTasks: (...asked) => pack(() => started().pauseTasks(...asked)),
    stopTasks: (...asked) => pack(() => started().stopTasks(...asked)),
    handlers: () => pack(() => started().handlers()),
    tasks: (...asked) => pack(() => started().tasks(...asked)),
    changeTasks: (...asked) => pack(() => started().changeTasks(...asked)),
    close: () => pack(() => engine?.close()),
    destroy: () => pack(() => started().destroy()),
  };

  function started(): Engine {
    if (engine === undefined) throw new Failure('Internal', 'the engine was asked before it was started');
    return engine;
  }
}

function listenerOf(page: Remote<PageSide>, platform: Pick<EnginePlatform, 'setTimeout'>): EngineListener {
  let latest: EngineStatus | undefined;
  let isTelling = false;
  return {
    async deliver(batch) {
      // Nobody waits for these: whoever has published hears first that it is stored.
      if (batch.every(({ kind }) => kind === 'passed')) await new Promise<void>((next) => platform.setTimeout(next, 0));
      return unpack(await page.deliver(batch));
    },
    // One at a time: of what changed while a busy page did not answer, it hears the last.
    async status(status) {
      latest = status;
      if (isTelling) return;
      isTelling = true;
      try {
        while (latest !== undefined) {
          const next: EngineStatus = latest;
          latest = undefined;
          unpack(await page.status(next));
        }
      } finally {
        isTelling = false;
      }
    },
    report: async (...told) => unpack(await page.report(...told)),
    run: async (...told) => unpack(await page.run(...told)),
    drop: async (...told) => unpack(await page.drop(...told)),
    finish: async (...told) => unpack(await page.finish(...told)),
    keys: async (...told) => unpack(await page.keys(...told)),
    alive: async () => unpack(await page.alive()),
  };
}

/** Takes the lock that the page waits for: it is let go when this worker ends, however it ends. */
function holdLife({ navigator: { locks } }: EnginePlatform, { alive }: WorkerOptions): Promise<void> {
  if (locks === undefined) return Promise.resolve();
  return new Promise((resolve, reject) => {
    locks
      .request(alive, () => {
        resolve();
        return new Promise<never>(() => undefined);
      })
      .catch(reject);
  });
}
