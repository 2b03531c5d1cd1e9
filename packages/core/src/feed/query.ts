// What is asked of a channel: where reading begins, what it shows, and how it ends.

/**
 * A filter on one attribute: an event passes that has it, as one of the values, in which `*` is any run of characters. Without
 * values, an event passes that does not have it.
 */
export interface AttributeFilter {
  readonly name: string;
  readonly values: readonly string[];
}

/** Where reading begins and what it shows. */
export interface ReadQuery {
  /** An offset, `earliest` or `latest`. */
  readonly after: string;
  /** Patterns over event types; none means all. */
  readonly types: readonly string[];
  /** Filters on other attributes, all of which an event passes. */
  readonly attributes?: readonly AttributeFilter[];
}

/**
 * What becomes of ephemeral events for a reader that is too slow for them: `skip` drops the newest; `latest` keeps, of those
 * with the same source, type and subject, only the newest; `disconnect` ends the reading, so that its reader comes back.
 */
export type EphemeralPolicy = 'skip' | 'latest' | 'disconnect';

/** A live reading. */
export interface StreamQuery extends ReadQuery {
  /** Wall-clock milliseconds at which the stream ends with a `drain`, as when the token does. */
  readonly until?: number;
  /**
   * False on a stream that is one of several on a connection, which has a heartbeat of its own. Such a stream tells by a
   * frame `position` how far a filter has passed events by.
   */
  readonly heartbeat: boolean;
  /** `skip` unless said. */
  readonly ephemerals?: EphemeralPolicy;
  /** Who reads, where it is to be known to the others. */
  readonly clientId?: string;
}

/** A page that is asked for. */
export interface PageQuery extends ReadQuery {
  readonly limit: number;
  /** How long it waits for news where there is nothing to show, in milliseconds. */
  readonly waitMs: number;
  /** Wall-clock milliseconds at which its asker's right ends: then it is refused, and counted nowhere. */
  readonly until?: number;
  /** Nothing of it is handed over, as to a request for the head alone: it is counted nowhere. */
  readonly isLook?: boolean;
}
