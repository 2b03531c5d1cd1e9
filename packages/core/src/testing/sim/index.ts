// A seeded world of devices, tabs and a relay, in which everything that can go wrong does; and its simulated ports.
export * from './dice.ts';
export * from './faults.ts';
export * from './kinds.ts';
export * from './life.ts';
export * from './link.ts';
export * from './logs.ts';
export * from './plan.ts';
export * from './shrink.ts';
export * from './simulate.ts';
export * from './store.ts';
export * from './tabs.ts';
export * from './world.ts';
