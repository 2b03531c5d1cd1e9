// The task store over any table: an adapter adds its transactions.
import type { Position } from '../../ports/store.ts';
import type { Advanced, TaskStore } from '../../ports/tasks.ts';
import { advance } from './advance.ts';
import { cancelAhead, change, tasks } from './change.ts';
import { leased } from './record.ts';
import { one, type Steps } from './steps.ts';
import type { TaskTable } from './table.ts';

/**
 * Runs work in one transaction, all or nothing, and answers once it is committed. `what` names it for a failure's message;
 * `work` may be run again when nothing of its first run was kept. It touches the record and the rows of one handler, if it is
 * said `whose`, and stores no position beyond `upTo`.
 */
export type Transact = <Result>(
  what: string,
  work: (table: TaskTable) => Steps<Result>,
  whose?: string,
  upTo?: Position,
) => Promise<Result>;

/** Makes a task store. Its `tasks` and `handlers` only read, and run in `read`. */
export function taskStoreOf(transact: Transact, read: Transact = transact): TaskStore {
  return {
    handlers: () => read('read the handlers', (table) => one(table.records())),

    lease: (request) =>
      transact(
        `lease "${request.handler}"`,
        function* lease(table) {
          const record = yield* one(table.record(request.handler));
          const next = leased(record, request);
          if (next !== undefined && next !== record) table.putRecord(next);
          return next ?? null;
        },
        request.handler,
        request.start,
      ),

    advance(step) {
      let before: Advanced | undefined;
      return transact(
        `advance "${step.handler}"`,
        function* attempt(table) {
          const answer = yield* advance(table, step, before);
          if (answer !== 'fenced') before = answer;
          return answer;
        },
        step.handler,
        step.claimed,
      );
    },

    tasks: (query, page) => read('read tasks', (table) => tasks(table, query, page)),

    change: (query, what, page) => transact(`${what} tasks`, (table) => change(table, query, what, page)),

    cancelAhead: (row) =>
      transact(
        `cancel an event ahead of "${row.handler}"`,
        (table) => cancelAhead(table, row),
        row.handler,
        row.position,
      ),

    forget: (handler) =>
      transact(`forget "${handler}"`, function* forget(table) {
        const record = yield* one(table.record(handler));
        if (record?.owner !== null) return false;
        table.removeHandler(handler);
        return true;
      }),
  } satisfies TaskStore;
}
