// Logs in real Durable Objects, for tests: each channel in an object of its own, as the Worker has them.
import type { Log, Logs, World } from '@godwit/core';
import { env } from 'cloudflare:workers';
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { createSqlLogs, type SqlLogsOptions } from '../log.ts';
import type { LogStorage } from '../tables.ts';
import type { LogObject } from './worker.ts';
import { createWorkersWorld } from '../world.ts';

/** Runs something inside an object, with its storage. */
export type InObject = <Result>(run: (storage: DurableObjectStorage) => Result | Promise<Result>) => Promise<Result>;

let made = 0;

/** A new object that nobody has used. */
export function newObject(): { readonly stub: DurableObjectStub<LogObject>; readonly inside: InObject } {
  made += 1;
  const stub = env.LOGS.getByName(`object ${made}`);
  return { stub, inside: (run) => runInDurableObject(stub, (_, ctx) => run(ctx.storage)) };
}

/** Makes an object's logs, with what a test wants otherwise. */
export function openLogs(storage: LogStorage, options: Partial<SqlLogsOptions> = {}): Logs {
  return createSqlLogs({ storage, world: createWorkersWorld(), report: rethrow, ...options });
}

/** An object with its logs open. */
interface OpenObject {
  readonly object: ReturnType<typeof newObject>;
  readonly logs: Promise<Logs>;
}

/** `Logs` over a namespace of objects. */
export interface ObjectLogs extends Logs {
  /** Evicts every object, and opens the logs that come back. */
  restart(): Promise<ObjectLogs>;
}

/** Makes logs of objects. Every call goes into its channel's object, since no other may touch its storage. */
export function createObjectLogs(
  world: Pick<World, 'now' | 'id'>,
  stored: ReadonlyMap<string, ReturnType<typeof newObject>> = new Map(),
): ObjectLogs {
  const opened = new Map<string, OpenObject>();
  const objectOf = (channel: string): OpenObject => {
    const known = opened.get(channel);
    if (known !== undefined) return known;
    const object = stored.get(channel) ?? newObject();
    const logs = object.inside((storage) => openLogs(storage, { world }));
    opened.set(channel, { object, logs });
    return { object, logs };
  };
  const inEach = async <Result>(run: (logs: Logs) => Promise<Result>): Promise<readonly Result[]> =>
    await Promise.all(
      [...opened.values()].map(async ({ object, logs }) => {
        const own = await logs;
        return await object.inside(() => run(own));
      }),
    );

  return {
    async open(channel) {
      const { object, logs } = objectOf(channel);
      const own = await logs;
      const log = await object.inside(() => own.open(channel));
      // A listener runs inside the object, from where there is no going in again.
      let isInside = false;
      const call = <Result>(run: () => Promise<Result>): Promise<Result> => (isInside ? run() : object.inside(run));
      return {
        append: (events, refused) => call(() => log.append(events, refused)),
        read: (after, limit) => call(() => log.read(after, limit)),
        follow: (listener) =>
          log.follow((news) => {
            isInside = true;
            try {
              listener(news);
            } finally {
              isInside = false;
            }
          }),
        stat: () => call(() => log.stat()),
        trim: (bounds) => call(() => log.trim(bounds)),
        close: () => call(() => log.close()),
      } satisfies Log;
    },
    channels: async () => (await inEach((logs) => logs.channels())).flat(),
    async remove(channel) {
      const { object, logs } = objectOf(channel);
      const own = await logs;
      return await object.inside(() => own.remove(channel));
    },
    close: async () => void (await inEach((logs) => logs.close())),
    async restart() {
      for (const { object } of opened.values()) await evictDurableObject(object.stub);
      return createObjectLogs(world, new Map([...opened].map(([name, { object }]) => [name, object])));
    },
  };
}

/** For whoever reports what a test does not expect. */
export function rethrow(error: unknown): never {
  throw error;
}
