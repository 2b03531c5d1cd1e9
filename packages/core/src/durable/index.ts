export * from './durable.ts';
export * from './errors.ts';
export * from './policy.ts';
export * from './task.ts';
