// One engine for two threads: the page's, and the worker's own where an application runs handlers there.
import { Failure } from '../failure.ts';
import type { Engine, EngineHello, EngineListener } from './engine.ts';

/** The two sides of a shared engine. */
export interface SharedEngine {
  /** Starts and closes the engine. */
  readonly main: Engine;
  /** Starts once the main side has, and stops what it defined when it closes. */
  readonly own: Engine;
}

/** Shares an engine. Both sides hear what is delivered; tasks go to the side that defined their handler. */
export function shareEngine(engine: Engine): SharedEngine {
  const names = new Map<string, 'main' | 'own'>();
  const listeners: Partial<Record<'main' | 'own', EngineListener>> = {};
  let hello: EngineHello | undefined;

  const both = <Answer>(call: (listener: EngineListener) => Answer | Promise<Answer>): Promise<readonly Answer[]> =>
    Promise.all(Object.values(listeners).map(async (listener) => call(listener)));
  const definer = (handler: string): EngineListener => {
    const listener = listeners[names.get(handler) ?? 'main'];
    if (listener === undefined) throw new Failure('Internal', `nobody is there to run "${handler}"`);
    return listener;
  };
  const combined: EngineListener = {
    deliver: async (batch) => (await both((listener) => listener.deliver(batch))).includes(true),
    status: async (status) => void (await both((listener) => listener.status(status))),
    // One of them tells the application.
    report: (failure) => listeners.main?.report(failure),
    run: (handler, tasks, stored) => definer(handler).run(handler, tasks, stored),
    drop: (handler, failure) => definer(handler).drop(handler, failure),
    finish: (handler, graceMs) => definer(handler).finish(handler, graceMs),
    keys: (handler, events) => definer(handler).keys(handler, events),
    alive: async () => void (await both((listener) => listener.alive())),
  };

  const side = (its: 'main' | 'own'): Pick<Engine, 'define' | 'undefine'> => ({
    async define(spec) {
      if (names.has(spec.name) && names.get(spec.name) !== its) {
        throw new Failure('InvalidOptions', `there is a durable handler "${spec.name}" already, on the other thread`);
      }
      names.set(spec.name, its);
      await engine.define(spec);
    },
    async undefine(name, graceMs) {
      await engine.undefine(name, graceMs);
      names.delete(name);
    },
  });

  return {
    main: {
      ...engine,
      ...side('main'),
      async start(listener) {
        listeners.main = listener;
        hello = await engine.start(combined);
        return hello;
      },
    },
    own: {
      ...engine,
      ...side('own'),
      async start(listener) {
        if (hello === undefined) throw new Failure('Internal', 'the own side was started before the main one');
        listeners.own = listener;
        return hello;
      },
      async stopTasks(graceMs) {
        await Promise.all([...names].flatMap(([name, its]) => (its === 'own' ? [engine.undefine(name, graceMs)] : [])));
      },
      async close() {
        delete listeners.own;
      },
      destroy: () => Promise.reject(new Failure('Misused', 'the page that started this worker destroys its log')),
    },
  };
}
