// The beginning and the end of a synchronisation. Ready definitions, importable one by one.
import type { EventDefinition } from '../../event/define.ts';
import { builtin } from './builtin.ts';

/** What is synchronised; whatever else is known of it goes along. */
export interface SyncPayload {
  readonly channel: string;
  readonly [detail: string]: unknown;
}

/** A synchronisation began: the runtime publishes it to the device's tabs when the relay begins to tell of a channel, on each stream anew. */
export const SyncStarted: EventDefinition<'sync.started', SyncPayload> = /* @__PURE__ */ builtin('sync.started');

/** A synchronisation is through: what the relay held of the channel when it began is in the device's log. What comes goes on coming. */
export const SyncCompleted: EventDefinition<'sync.completed', SyncPayload> = /* @__PURE__ */ builtin('sync.completed');
