// The in-process half: typed events to handlers in the same thread, and what is built on that. Usable without the rest.
export { defineEvent, defineEvents } from '../event/define.ts';
export type { EventDefinition, EventDefinitions, EventName } from '../event/define.ts';
export { compilePattern } from '../event/pattern.ts';
export { payload } from '../event/schema.ts';
export type { InputOf, OutputOf, Schema } from '../event/schema.ts';
export { Failure, isFailure } from '../failure.ts';
export type { FailureDetails, FailureName } from '../failure.ts';
export * from './await.ts';
export * from './batcher/batcher.ts';
export * from './broker/broker.ts';
export type { Call, HandlerCall, HandlerFailure, Mailbox } from './call.ts';
export * from './checked.ts';
export type {
  AnyDispatcher,
  Check,
  Dispatcher,
  DispatcherCounts,
  DispatcherOptions,
  DispatchOptions,
  EventOf,
} from './contract.ts';
export type { HandlerCounts, DropReason } from './counts.ts';
export * from './dispatcher.ts';
export * from './global.ts';
export * from './limits.ts';
export * from './naming.ts';
export type { AnyHandler, CloseOptions, HandlerOptions, Overflow } from './options.ts';
export { dropNewest, dropOldest, keepLatest, rejectWhenFull } from './overflow.ts';
export * from './queue/processor.ts';
export * from './queue/queue.ts';
export * from './stream/stream.ts';
export * from './types.ts';
export type { Wrappable, Wrapped } from './wrap/handler.ts';
export * from './wrap/idempotent.ts';
export * from './wrap/recover.ts';
export * from './wrap/retry.ts';
export * from './wrap/timeout.ts';
