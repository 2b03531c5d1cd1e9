// Durable handlers, as every store keeps them.
export * from './gathered.ts';
export * from './memory-table.ts';
export * from './rows.ts';
export * from './steps.ts';
export * from './table.ts';
export * from './task-store.ts';
