export * from './link.ts';
export * from './log.ts';
export * from './store.ts';
export * from './tabs.ts';
export * from './world.ts';
