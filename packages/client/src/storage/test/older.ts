// A database as older releases made it: the log and the handlers in one.
import { openDB } from 'idb';
import type { Database, Schema } from '../schema.ts';

/** Makes it as version 2 or 3 did, with the device's id and nothing else. */
export async function makeOlder(name: string, version: 2 | 3, id: string): Promise<Database> {
  const database = await openDB<Schema>(name, version, {
    upgrade(made) {
      const log = made.createObjectStore('log', { keyPath: 'segment', autoIncrement: true });
      log.createIndex('out', 'out');
      log.createIndex('after', 'after', { unique: true });
      made.createObjectStore('cursors', { keyPath: 'key' });
      made.createObjectStore('rejected', { keyPath: 'id' });
      made.createObjectStore('meta', { keyPath: 'name' });
      made.createObjectStore('handlers', { keyPath: 'record.name' });
      const tasks = made.createObjectStore('tasks', { keyPath: ['row.handler', 'row.position'] });
      tasks.createIndex('state', ['row.state', 'row.handler', 'row.position']);
      tasks.createIndex('due', ['row.handler', 'due']);
      tasks.createIndex('at', ['row.state', 'row.handler', 'row.at']);
      tasks.createIndex('lane', ['row.handler', 'lane', 'row.position']);
    },
  });
  await database.put('meta', { name: 'device', v: 1, id });
  return database;
}
