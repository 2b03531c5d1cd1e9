// For tests: a contract per port, a world whose time and chance are handed in, a simulation of many of them, and rehearsals of an application in it.
export * from './changes.ts';
export * from './flow-contract.ts';
export * from './flow/events.ts';
export * from './link-contract.ts';
export * from './log-contract.ts';
export * from './logger.ts';
export * from './rehearsal/index.ts';
export * from './sim/index.ts';
export * from './store-contract.ts';
export * from './tabs-contract.ts';
export type { TabsDevice } from './tabs/opened.ts';
export * from './task-store-contract.ts';
export * from './telemetry-contract.ts';
export * from './waiting.ts';
export * from './world-contract.ts';
export * from './world.ts';
