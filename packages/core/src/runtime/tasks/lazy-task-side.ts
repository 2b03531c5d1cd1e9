// Durable handlers whose half of the handle is loaded at the first `handle`: a page that has none never loads it.
import { Failure, toFailure } from '../../failure.ts';
import { createBackoff } from '../../timing/backoff.ts';
import { pause } from '../../timing/wait.ts';
import type { Stop } from '../../ports/world.ts';
import { defineHandler } from './definition.ts';
import type { TaskHost } from '../../durable/task.ts';
import type { MakeTaskSide } from './task-side.ts';
import type { TaskSide } from './tasks.ts';

/**
 * Makes a half that stands in until `load` has brought the whole one, and passes everything on from then on. It is for
 * tabs without `TaskOptions`, whose handlers neither wait for a start nor count anything before the first of them is there.
 * What cannot be loaded is tried again until it can, or the runtime closes.
 */
export function lazyTaskSide(load: () => Promise<MakeTaskSide>): MakeTaskSide {
  return (parts) => {
    const { world, report, channels, engine } = parts;
    const life = new AbortController();
    /** Those of them that the engine knows of: it begins at once, so that what is published next is theirs. */
    const defined = new Set<string>();
    /** Handlers that were defined before the half was there, by name. */
    const early = new Map<string, () => void>();
    let whole: TaskSide | undefined;
    let loading: Promise<TaskSide> | undefined;
    let last: Parameters<TaskSide['update']>[0] | undefined;

    const begin = async (): Promise<TaskSide> => {
      const backoff = createBackoff(world);
      for (;;) {
        try {
          const make = await load();
          if (life.signal.aborted) break;
          whole = make({
            ...parts,
            engine: {
              ...engine,
              define: async (spec) => (defined.delete(spec.name) ? undefined : engine.define(spec)),
            },
          });
          if (last !== undefined) whole.update(last);
          for (const define of early.values()) define();
          early.clear();
          return whole;
        } catch (error) {
          const why = `the part that runs durable handlers could not be loaded: ${toFailure(error).message}`;
          report(new Failure('Unreachable', `${why}; it is tried again`, { cause: error }), {}, 'warn');
          // A tab that has the part must not wait for this one.
          for (const name of defined) quietly(engine.undefine(name, 0));
          defined.clear();
          await pause(world, backoff.next(), life.signal);
        }
      }
      throw new Failure('Closed', 'the runtime was closed before its durable handlers were loaded');
    };
    const loaded = (): Promise<TaskSide> => (loading ??= begin());
    /** What nobody awaits. */
    const quietly = (work: Promise<unknown>): void => {
      work.catch((error: unknown) => life.signal.aborted || report(error));
    };

    /** What the engine asks while the runtime closes concerns nobody any more. */
    const asked = async <Answer>(ask: (host: TaskHost) => Answer, none: Awaited<Answer>): Promise<Awaited<Answer>> => {
      try {
        return await ask((await loaded()).host);
      } catch (error) {
        if (life.signal.aborted) return none;
        throw error;
      }
    };

    const side: TaskSide = {
      host: {
        run: (...args) => asked((host) => host.run(...args), undefined),
        drop: (...args) => asked((host) => host.drop(...args), undefined),
        finish: (...args) => asked((host) => host.finish(...args), undefined),
        keys: (...args) => asked((host) => host.keys(...args), []),
        alive: () => undefined,
      },
      get state() {
        if (whole !== undefined) return whole.state;
        return last?.connection === 'closed' ? 'stopped' : last?.tasksPaused === true ? 'paused' : 'running';
      },
      get measures() {
        return whole?.measures;
      },
      handles: (type) => whole?.handles(type) ?? false,
      handle(pattern, name, handler, options) {
        if (whole !== undefined) return whole.handle(pattern, name, handler, options);
        // What is wrong is told at once, as if the half were there.
        const { spec } = defineHandler(pattern, name, handler, options, channels);
        if (early.has(name)) throw new Failure('InvalidOptions', `there is a durable handler "${name}" already`);
        const { signal } = options;
        if (signal?.aborted === true) return () => undefined;
        let stopWhole: Stop | undefined;
        const define = (): void => {
          signal?.removeEventListener('abort', stop);
          stopWhole = whole?.handle(pattern, name, handler, options);
        };
        const stop = (): void => {
          if (early.get(name) === define) {
            early.delete(name);
            if (defined.delete(name)) quietly(engine.undefine(name, 0));
          }
          stopWhole?.();
        };
        signal?.addEventListener('abort', stop, { once: true, signal: life.signal });
        early.set(name, define);
        defined.add(name);
        quietly(engine.define(spec));
        quietly(loaded());
        return stop;
      },
      update(status) {
        last = status;
        if (whole === undefined) parts.changed(side.state);
        else whole.update(status);
      },
      async close() {
        life.abort();
        await whole?.close();
      },
      api: {
        get state() {
          return side.state;
        },
        start() {
          if (whole !== undefined) return whole.api.start();
          throw new Failure(
            'Misused',
            'the durable handlers were started twice; with `start: false` a runtime waits for the one start',
          );
        },
        pause: () => quietly(loaded().then(({ api }) => api.pause())),
        resume: () => quietly(loaded().then(({ api }) => api.resume())),
        shutdown: async (options) => (await loaded()).api.shutdown(options),
        handlers: async () => (await loaded()).api.handlers(),
        list: async (query, page) => (await loaded()).api.list(query, page),
        count: async (query) => (await loaded()).api.count(query),
        retry: async (query) => (await loaded()).api.retry(query),
        discard: async (query) => (await loaded()).api.discard(query),
        cancel: async (query) => (await loaded()).api.cancel(query),
      },
    };
    return side;
  };
}
