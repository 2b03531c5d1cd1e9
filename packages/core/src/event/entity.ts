// A domain event says which entity it happened to; an application event happened to none.

/** What a domain event happened to. */
export interface Entity {
  /** Its kind, as `order`. */
  readonly name: string;
  /** Which one of its kind. */
  readonly id: string;
}

/** The entity of a domain event; undefined for an application event. */
export function entityOf(event: {
  readonly entityname?: string | undefined;
  readonly entityid?: string | undefined;
}): Entity | undefined {
  const { entityname: name, entityid: id } = event;
  return isText(name) && isText(id) ? { name, id } : undefined;
}

/** A stranger may have written anything. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
