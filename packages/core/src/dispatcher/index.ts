// The in-process half: typed events to handlers in the same thread.
export * from './await.ts';
export type { HandlerCall } from './call.ts';
export * from './counts.ts';
export * from './dispatcher.ts';
export * from './failures.ts';
export type { EventHandler } from './mailbox.ts';
export * from './options.ts';
export * from './registry.ts';
export * from './types.ts';
