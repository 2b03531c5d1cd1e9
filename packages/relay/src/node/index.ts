// The relay on Node.
export { runRelayCommand } from './command.ts';
export * from './relay.ts';
export type { Durability } from './sqlite/database.ts';
export { openSqliteLogs } from './sqlite/logs.ts';
