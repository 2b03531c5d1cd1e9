export * from './create-engine.ts';
export * from './create-handle.ts';
export * from './engine.ts';
export * from './outbox.ts';
export * from './raiser.ts';
export * from './runtime.ts';
export * from './share-engine.ts';
export type { TaskEngineOptions } from './task-engine.ts';
export * from './tasks/types.ts';
