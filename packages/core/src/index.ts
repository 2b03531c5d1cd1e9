// Godwit's core: anywhere, with nothing but what it is handed.
export * from './dispatcher/builtin/index.ts';
export * from './dispatcher/index.ts';
export * from './durable/index.ts';
export * from './event/index.ts';
export * from './failure.ts';
export * from './memory/index.ts';
export * from './ports/index.ts';
export * from './runtime/index.ts';
export * from './timing/platform.ts';
