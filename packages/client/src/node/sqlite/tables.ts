// A file's tables, every statement prepared once.
import type { DatabaseSync } from 'node:sqlite';
import type { TaskTable, TrimTable } from '@godwit/core';
import { prepareLog, type LogTables } from './log.ts';
import { prepareState } from './state.ts';
import { prepareTasks } from './tasks.ts';
import { prepareMarks, prepareTrim } from './trim.ts';

/** What is kept in a file, by what is done to it. */
export interface Tables {
  /** For what is asked too seldom to have a statement. */
  readonly database: DatabaseSync;
  readonly log: LogTables;
  readonly state: ReturnType<typeof prepareState>;
  readonly tasks: TaskTable;
  readonly trim: TrimTable;
}

/** Prepares the statements. */
export function prepareTables(database: DatabaseSync): Tables {
  const marks = prepareMarks(database);
  const tasks = prepareTasks(database);
  return {
    database,
    log: prepareLog(database, marks),
    state: prepareState(database, marks.newest),
    tasks,
    trim: prepareTrim(database, marks, tasks),
  };
}

/** The id of the device whose file it is. */
export function readDevice({ database }: Tables): string {
  return String(database.prepare("SELECT value FROM meta WHERE key = 'device'").get()?.['value']);
}
