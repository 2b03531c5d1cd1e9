// The relay on Node.
export type { Bridge, BridgeNotes, BridgeParts, RunningBridge } from './bridges.ts';
export type { Cluster, ClusterParts, Shared } from './cluster.ts';
export { runRelayCommand } from './command.ts';
export * from './relay.ts';
export type { Durability } from './sqlite/database.ts';
export { openSqliteLogs } from './sqlite/logs.ts';
