// The ports in memory: references to read first, and what a device falls back to.
export * from './link.ts';
export * from './log.ts';
export * from './neighbours.ts';
export * from './segment.ts';
export * from './store.ts';
export * from './tabs.ts';
export * from './tasks/index.ts';
export * from './telemetry.ts';
export * from './trim.ts';
