// Who connects. Ready definitions, importable one by one.
import type { EventDefinition } from '../../event/define.ts';
import { builtin } from './builtin.ts';

/** Which client; whatever else is known of it goes along. */
export interface ClientPayload {
  readonly clientId: string;
  readonly [detail: string]: unknown;
}

/** A client is there. */
export const ClientConnected: EventDefinition<'client.connected', ClientPayload> =
  /* @__PURE__ */ builtin('client.connected');
