// Godwit on Node: the browser's runtime in one thread, over a SQLite file. Importing this does nothing.
export { createRuntime } from './create-runtime.ts';
export type { RuntimeOptions } from './options.ts';
export { openSqliteStore, type SqliteStoreOptions } from './sqlite/store.ts';
export type { Durability } from './sqlite/file.ts';
export type { ChannelOption, CommonOptions } from '../options.ts';
export type { TokenSource } from '../link/token.ts';
