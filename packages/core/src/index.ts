// Godwit's core: anywhere, with nothing but what it is handed.
export * from './event/index.ts';
export * from './failure.ts';
export * from './ports/index.ts';
export * from './runtime/index.ts';
