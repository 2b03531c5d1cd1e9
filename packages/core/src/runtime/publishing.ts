// What `publish` takes and answers.
import type { Remarks } from '../event/attributes.ts';
import type { EventDefinition, EventInput, EventName, EventOutput } from '../event/define.ts';
import type { Position } from '../ports/store.ts';

/** An event, by its name or by the definition that the runtime was made with. */
export type EventRef<Events, Name extends EventName<Events>> =
  | Name
  | EventDefinition<Name, EventInput<Events, Name>, EventOutput<Events, Name>>;

/** What stands behind the event in a call of `publish`; an event whose payload may be undefined needs none. */
export type PublishArguments<Input, Options = PublishOptions> = undefined extends Input
  ? [data?: Input, options?: Options]
  : [data: Input, options?: Options];

/** How one event is published. */
export interface PublishOptions extends Remarks {
  /** The channel; by default the definition's, else the runtime's first. */
  readonly channel?: string | undefined;
  /** False: told to whoever is there, never stored, and possibly dropped. */
  readonly durable?: boolean | undefined;
}

/** An event of this device, as a receipt tells of it, or a handler and a history. */
export interface Published {
  readonly id: string;
  readonly channel: string;
  readonly position: Position | null;
  readonly offset?: string | null;
}

/** What `publish` answers once the event is on this device's disk. */
export interface Receipt {
  /**
   * Resolves when the relay has the event, whichever tab sent it; until then it waits, also while there is no network.
   *
   * @throws Failure what the relay refused it for, so that a page can take back what it showed; `Misused` where there is
   * no relay, or the event is ephemeral; `Closed` and `WorkerFailed` when this tab can no longer know; the signal's reason
   * when that aborts, which ends the waiting alone: the event is on its way all the same
   */
  relayed(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
  readonly id: string;
  readonly channel: string;
  /** Its place in this device's log; null for an ephemeral event. */
  readonly position: Position | null;
}
