// Trimming in IndexedDB, the one change that both databases have a part in: handlers pin the log, and may have missed of it.
//
// A transaction of the handlers' database reads their records, and holds them as they are while one of the log's trims, all or
// not at all, and writes down what that took from handlers. Then the first adds it to their totals, and ends. Where a tab
// dies in between, the log says what is owed, and the next step pays.
import { doLater, Failure, trim, type HandlerRecord, type Trimmed, type TrimRequest, type World } from '@godwit/core';
import type { Connection } from './connection.ts';
import type { Database, MetaRecord, Owed } from './schema.ts';
import { look, markOf, numbered } from './state.ts';
import { behindSteps, recordsOf } from './tasks.ts';
import { change, heard, write, type Durability, type Stores, type Writing } from './write.ts';

/**
 * How long a step waits for the handlers, and how long they are held while the log's part cannot begin, in milliseconds: somebody
 * hangs there, and the others go on.
 */
const holdMsMax = 8000;

/** What is owed, under the number of its payment. */
interface Bill {
  readonly n: number;
  readonly owed: readonly Owed[];
}

/** Whether the handlers are still held, and whether the log's part has come so far that they will be until its end. */
interface Hold {
  isLost: boolean;
  isNeeded: boolean;
}

/** Trims one step. */
export function trimLog(
  parts: {
    readonly log: Connection;
    readonly handlers: Connection;
    readonly world: World;
    readonly durability: Durability;
  },
  request: TrimRequest,
): Promise<Trimmed> {
  const { log, handlers, world, durability } = parts;
  return handlers.run('trim the log', async (database) => {
    await inTime(behindSteps(database), world);
    return change(database, ['handlers', 'meta'], durability, async (transaction) => {
      const meta = transaction.objectStore('meta');
      const records = recordsOf(await inTime(transaction.objectStore('handlers').getAll(), world));
      const paid = billOf(await heard(meta.get('paid'))).n;
      const hold: Hold = { isLost: false, isNeeded: false };
      const step = log.run('trim the log', (opened) => trimmed(opened, durability, { records, paid, hold }, request));
      const [done, { n, owed }] = await held(transaction, step, hold, world);
      if (n > paid) {
        for (const record of records) {
          const its = owed.find(({ handler }) => handler === record.name);
          if (its !== undefined)
            void heard(transaction.objectStore('handlers').put({ v: 1, record: paidTo(record, its) }));
        }
        void heard(meta.put({ name: 'paid', v: 1, n }));
      }
      return done;
    });
  });
}

/** What is asked of the handlers' database, unless it is held up. */
async function inTime<Result>(asked: Promise<Result>, world: World): Promise<Result> {
  const late = Promise.withResolvers<never>();
  const stop = world.after(holdMsMax, () => late.reject(heldUp()));
  try {
    return await Promise.race([asked, late.promise]);
  } finally {
    stop();
  }
}

/** Keeps a transaction open until the work is done: it has something to answer all the time. */
async function held<Result>(
  transaction: Writing<'handlers' | 'meta'>,
  work: Promise<Result>,
  hold: Hold,
  world: World,
): Promise<Result> {
  const over = new AbortController();
  work.finally(() => over.abort()).catch(() => undefined);
  const stop = world.after(holdMsMax, () => (hold.isLost = !hold.isNeeded));
  try {
    while (!over.signal.aborted) {
      if (hold.isLost) throw heldUp();
      await heard(transaction.objectStore('meta').get('paid'));
    }
    return await work;
  } finally {
    stop();
    hold.isLost = true;
  }
}

/** The log's part: looks that hold nothing, since the handlers are held, and who would trim beside this one with them; then one write. */
async function trimmed(
  database: Database,
  durability: Durability,
  its: { readonly records: readonly HandlerRecord[]; readonly paid: number; readonly hold: Hold },
  request: TrimRequest,
): Promise<readonly [Trimmed, Bill]> {
  const { records, paid, hold } = its;
  let bill = billOf(await look(database, ['meta'], (log) => log.objectStore('meta').get('owed')));
  if (bill.n <= paid) bill = { n: paid, owed: [] };
  const owed = new Map(bill.owed.map((one) => [one.handler, one]));
  const known = new Map(records.map((record) => [record.name, record.totals]));
  const changes: ((store: Stores<'log' | 'meta'>) => unknown)[] = [];
  const putMeta = (record: MetaRecord): unknown => changes.push((store) => store('meta').put(record));
  const done = await doLater(
    trim(
      {
        mark: async () => markOf(await look(database, ['meta'], (log) => log.objectStore('meta').get('trim'))),
        records: () =>
          records.map((record) => {
            const one = owed.get(record.name);
            return one === undefined ? record : paidTo(record, one);
          }),
        async segments(from, limit) {
          const behind = IDBKeyRange.lowerBound(from);
          return (await look(database, ['log'], (log) => log.objectStore('log').getAll(behind, limit))).map(numbered);
        },
        async sent(channel) {
          const key = `sent:${channel}`;
          return (await look(database, ['cursors'], (log) => log.objectStore('cursors').get(key)))?.position ?? 0;
        },
        putMark: (mark) => putMeta({ name: 'trim', v: 1, mark }),
        putRecord({ name: handler, totals }) {
          const passed = totals.passed - (known.get(handler)?.passed ?? 0);
          const dropped = missed(totals) - missed(known.get(handler));
          if (dropped > 0) owed.set(handler, { handler, passed, dropped });
        },
        remove(segments) {
          if (owed.size > 0) {
            bill = { n: paid + 1, owed: [...owed.values()] };
            putMeta({ name: 'owed', v: 1, ...bill });
          }
          for (const { segment } of segments) changes.push((store) => store('log').delete(segment));
        },
      },
      request,
    ),
  );
  if (hold.isLost) throw heldUp();
  hold.isNeeded = true;
  await write(database, ['log', 'meta'], durability, (store) => changes.forEach((made) => made(store)));
  return [done, bill];
}

function heldUp(): Failure {
  return new Failure(
    'StorageFailed',
    'could not trim the log: another tab, perhaps hung, keeps it; trimmed it is later',
  );
}

function billOf(record: MetaRecord | undefined): Bill {
  if (record?.name === 'owed') return record;
  return { n: record?.name === 'paid' ? record.n : 0, owed: [] };
}

function paidTo(record: HandlerRecord, { passed, dropped }: Owed): HandlerRecord {
  const { totals } = record;
  return {
    ...record,
    totals: {
      ...totals,
      passed: totals.passed + passed,
      dropped: { ...totals.dropped, retention: missed(totals) + dropped },
    },
  };
}

/** How many events a handler has missed. */
function missed(totals: HandlerRecord['totals'] | undefined): number {
  return totals?.dropped['retention'] ?? 0;
}
