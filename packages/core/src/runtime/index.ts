export * from './create-engine.ts';
export * from './create-handle.ts';
export * from './engine.ts';
export * from './outbox.ts';
export * from './runtime.ts';
