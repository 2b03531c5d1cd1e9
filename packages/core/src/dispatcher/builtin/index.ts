// Names that most applications need, so that they are the same everywhere: `@godwit/core/builtin`, importable one by one.
export * from './catalog.ts';
export * from './client.ts';
export * from './model.ts';
export * from './module.ts';
export * from './sync.ts';
export * from './system.ts';
export * from './user.ts';
