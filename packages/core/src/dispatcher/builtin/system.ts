// The beginning and the end of a process. Ready definitions, importable one by one.
import type { EventDefinition } from '../../event/define.ts';
import { builtin } from './builtin.ts';

/** Which process; whatever else an application knows of it goes along. */
export interface SystemPayload {
  readonly name: string;
  readonly [detail: string]: unknown;
}

/** A process is ready. */
export const SystemStarted: EventDefinition<'system.started', SystemPayload> =
  /* @__PURE__ */ builtin('system.started');

/** A process is about to end. */
export const SystemShutdown: EventDefinition<'system.shutdown', SystemPayload> =
  /* @__PURE__ */ builtin('system.shutdown');
