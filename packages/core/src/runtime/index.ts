export * from './engine.ts';
export * from './runtime.ts';
