// For tests of adapters: a contract per port, as a function that defines its tests, in the importer's vitest.
export * from './changes.ts';
export * from './flow-contract.ts';
export * from './flow/events.ts';
export * from './link-contract.ts';
export * from './log-contract.ts';
export * from './neighbours-contract.ts';
export * from './store-contract.ts';
export * from './tabs-contract.ts';
export type { TabsDevice } from './tabs/opened.ts';
export * from './task-store-contract.ts';
export { step } from './tasks/device.ts';
export * from './telemetry-contract.ts';
export * from './world-contract.ts';
