// For tests, whatever runs them: a world whose time and chance are handed in, a simulation of many of them, and rehearsals of an application in it.
export * from './logger.ts';
export * from './rehearsal/index.ts';
export * from './sim/index.ts';
export * from './waiting.ts';
export * from './world.ts';
