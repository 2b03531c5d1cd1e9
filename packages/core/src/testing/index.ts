// For tests: a contract per port, and a world whose time and chance are handed in.
export * from './flow-contract.ts';
export * from './waiting.ts';
export * from './world-contract.ts';
export * from './world.ts';
