// A connection to the database that comes back when it is lost, and gives way to a newer release.
import { Failure, type World } from '@godwit/core';
import { deleteDB, openDB, type OpenDBCallbacks } from 'idb';
import { cutOff, isLostConnection, nameOf, storageFailure } from './failures.ts';
import type { Database, Layout, Schema } from './schema.ts';
import { known } from './state.ts';
import { heard } from './write.ts';

/** How long opening or deleting may take, in milliseconds: a frozen tab can hold an older version open for ever. */
const openMsMax = 8000;

/** How long a transaction may still say how it ended once its connection was cut off, in milliseconds: in Chromium 156 some never do. */
const lastWordMs = 100;

/** How often a transaction begins, or an opening: a browser that clears its data cuts off what is opened next, too. */
export const triesMax = 3;

/** A database, whichever connection leads to it. */
export interface Connection {
  /** Made with the database: one that is deleted and made anew has another. */
  readonly id: string;
  /**
   * Runs one transaction. `work` may run again, when what it did before surely did not commit. `what` names it for a
   * failure's message.
   */
  run<Result>(what: string, work: (database: Database) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
  destroy(): Promise<void>;
}

/** What becomes of databases that belong together: none of them serves a call once one is lost. */
export interface Fate {
  /** Why no call is served any more. */
  ended?: Failure;
}

/**
 * Opens a database, and makes it where there is none.
 *
 * @throws Failure `Outdated` when a newer release has taken it; `StorageFailed` otherwise
 */
export async function connect(parts: {
  readonly name: string;
  readonly layout: Layout;
  readonly world: World;
  readonly fate: Fate;
}): Promise<Connection> {
  const { name, layout, world, fate } = parts;
  const underWay = new Set<Promise<unknown>>();
  let closing: Promise<void> | undefined;
  let destroying: Promise<void> | undefined;
  let database: Promise<Database> = open();
  let id: string;
  try {
    id = await unlessCutOff(await database, idOf);
  } catch (error) {
    throw storageFailure('open the database', error);
  }

  return {
    id,
    run(what, work) {
      if (fate.ended !== undefined) return Promise.reject(fate.ended);
      const task = attempt(what, work);
      underWay.add(task);
      task.finally(() => underWay.delete(task)).catch(() => undefined);
      return task;
    },
    close,
    destroy() {
      destroying ??= close().then(() => within(deleteDB(name), 'delete the database'));
      return destroying;
    },
  };

  async function attempt<Result>(what: string, work: (database: Database) => Promise<Result>): Promise<Result> {
    for (let tries = 1; ; tries += 1) {
      const current = database;
      try {
        return await unlessCutOff(await current, work);
      } catch (error) {
        const isUnsure = nameOf(error) === cutOff;
        // A database that was cleared with it says so, and has kept nothing.
        if (isUnsure) await reopen(current).catch(() => undefined);
        if (fate.ended !== undefined) throw fate.ended;
        if (isUnsure || tries === triesMax || !isLostConnection(error)) throw storageFailure(what, error);
      }
      void reopen(current);
    }
  }

  async function unlessCutOff<Result>(
    connection: Database,
    work: (database: Database) => Promise<Result>,
  ): Promise<Result> {
    const late = Promise.withResolvers<never>();
    const cut = (): void => {
      const error = new DOMException('the connection was closed without a word: it may be stored all the same', cutOff);
      world.after(lastWordMs, () => late.reject(error));
    };
    connection.addEventListener('close', cut);
    try {
      return await Promise.race([work(connection), late.promise]);
    } finally {
      connection.removeEventListener('close', cut);
    }
  }

  /** Opens another connection after `lost`; several that lost the same one share the next. */
  function reopen(lost: Promise<Database>): Promise<Database> {
    if (database === lost) {
      database = lost
        .then(
          (connection) => connection.close(),
          () => undefined,
        )
        .then(again);
      // Whoever asks next hears of it; until then nobody may be there to.
      database.catch(() => undefined);
    }
    return database;
  }

  async function again(): Promise<Database> {
    const connection = await open();
    if ((await unlessCutOff(connection, idOf)) === id) return connection;
    connection.close();
    fate.ended ??= new Failure(
      'StorageFailed',
      'the database was deleted while it was in use, and what it held is gone; create another runtime, which is a new device',
    );
    throw fate.ended;
  }

  async function open(): Promise<Database> {
    let isBlocked = false;
    const opening = begin({
      upgrade(connection, from, _next, transaction) {
        // What fails, fails the opening too.
        void heard(transaction.done);
        layout.upgrade(connection, from, world.id());
      },
      blocked: () => (isBlocked = true),
      blocking: (_current, next) => void giveWay(opening, next),
    });
    try {
      return await within(opening, 'open the database', () =>
        isBlocked ? 'another tab, perhaps frozen, keeps an older version open; close it' : 'the browser did not answer',
      );
    } catch (error) {
      // One that comes too late would stand in the way of others.
      opening.then((late) => late.close()).catch(() => undefined);
      throw nameOf(error) === 'VersionError' ? outdated(error) : error;
    }
  }

  /** A browser that refuses may throw at once, or later. */
  async function begin(callbacks: OpenDBCallbacks<Schema>): Promise<Database> {
    return openDB<Schema>(name, layout.version, callbacks);
  }

  /** Another tab upgrades or deletes the database, and waits for this connection to go. */
  async function giveWay(opening: Promise<Database>, next: number | null): Promise<void> {
    fate.ended ??=
      next === null
        ? new Failure('Closed', 'the database was destroyed in another tab; create another runtime')
        : outdated();
    (await opening).close();
  }

  function close(): Promise<void> {
    closing ??= letGo();
    return closing;
  }

  async function letGo(): Promise<void> {
    fate.ended ??= new Failure('Closed', 'the store is closed; open another');
    await Promise.allSettled(underWay);
    await database.then(
      (connection) => connection.close(),
      () => undefined,
    );
  }

  async function within<Result>(
    work: Promise<Result>,
    what: string,
    why: () => string = () => 'another tab keeps it open; close it',
  ): Promise<Result> {
    const late = Promise.withResolvers<never>();
    const stop = world.after(openMsMax, () => {
      late.reject(new Failure('StorageFailed', `could not ${what} within ${openMsMax / 1000} s: ${why()}`));
    });
    try {
      return await Promise.race([work, late.promise]);
    } finally {
      stop();
    }
  }
}

async function idOf(database: Database): Promise<string> {
  const record = await known(database, 'device');
  if (record?.name !== 'device')
    throw new Failure('StorageFailed', 'the database does not know whose it is; delete it');
  return record.id;
}

function outdated(cause?: unknown): Failure {
  return new Failure('Outdated', 'a newer release of this application has taken the database; reload the page', {
    cause,
  });
}
