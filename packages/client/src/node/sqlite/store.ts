// What a device remembers, in one SQLite file: all that a runtime on Node needs to know tomorrow.
import {
  doNow,
  firstPosition,
  segmentOfPage,
  taskStoreOf,
  trim,
  type DeviceStore,
  type TaskStore,
  type World,
} from '@godwit/core';
import { written, writtenOwn } from './log.ts';
import { openFile, type Durability, type OpenFile } from './file.ts';

/** How a store is opened. */
export interface SqliteStoreOptions {
  /** The file's path; it is made where there is none, and its folder. `:memory:`: lost with the store. */
  readonly file: string;
  readonly world: Pick<World, 'id'>;
  readonly durability: Durability;
  /** The largest that the file may grow, in bytes, as the first says who opens it; whatever the disk holds where it is not said. */
  readonly bytesMax?: number;
}

/**
 * Opens the store in a file. Stores that this thread opens on one file share it, and see each other's commits at once; to
 * every other process the file is locked until the last of them is closed, or the process has ended, however it did.
 *
 * @throws Failure `StorageFailed`, saying what is wrong with the file; `Outdated` when a newer release has written it
 */
export function openSqliteStore({ world, ...options }: SqliteStoreOptions): DeviceStore {
  return storeOn(openFile({ ...options, deviceId: world.id() }));
}

/** The store on a file that is open. */
export function storeOn(file: OpenFile): DeviceStore {
  return {
    ...tasksOn(file),

    async state(channel) {
      return file.read('read what the device knows', ({ state }) => ({ deviceId: file.deviceId, ...state(channel) }));
    },
    async record(segments) {
      const own = segments.map(writtenOwn);
      if (own.length === 0) return file.read('record events', () => []);
      const numbers = file.transact('record events', ({ log }) => log.append(own));
      await turn();
      return (numbers ?? []).map(firstPosition);
    },
    async merge(page) {
      const segment = written(segmentOfPage(page));
      return file.transact(`merge a page of "${page.channel}"`, ({ log }) => {
        if (log.append([segment]) === undefined) return 'fenced';
        log.moveRead(page);
        return 'merged';
      });
    },
    async confirm(confirmation) {
      file.transact(`confirm what "${confirmation.channel}" has sent`, ({ log }) => log.confirm(confirmation));
    },
    async refusals(ids) {
      return file.read('read what the relay refused', ({ log }) => log.refusals(ids));
    },
    async read(after, limit) {
      file.assertOpen();
      await turn();
      return file.read('read the log', ({ log }) => log.read(after, limit));
    },
    async own(channel, after, limit) {
      return file.read(`read the outbox of "${channel}"`, ({ log }) => log.own(channel, after, limit));
    },
    async trim(request) {
      await turn();
      return file.transact('trim the log', (tables) => doNow(trim(tables.trim, request)));
    },
    async close() {
      file.close();
    },
    async destroy() {
      file.destroy();
    },
  } satisfies DeviceStore;
}

/**
 * Whoever reads a long log, or trims one, asks again and again, and so does who publishes in a loop. SQLite answers at once:
 * without this, neither a timer, a signal of the system nor a socket of the thread would have its turn in between, and whoever
 * published would hear that it is stored only when all readers had read it.
 */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function tasksOn(file: OpenFile): TaskStore {
  return taskStoreOf(
    async (what, work) => file.transact(what, ({ tasks }) => doNow(work(tasks))),
    async (what, work) => file.read(what, ({ tasks }) => doNow(work(tasks))),
  );
}
