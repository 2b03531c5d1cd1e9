// An event's JSON, made once, as it is published: what is stored and sent from here on.

/** What an event is made of: checked, and what is undefined is left out. */
export interface EventParts {
  readonly id: string;
  readonly type: string;
  /** RFC 3339. */
  readonly time: string;
  readonly attributes?: Readonly<Record<string, string | boolean | undefined>> | undefined;
  /** What JSON can carry, or undefined. */
  readonly data: unknown;
}

/**
 * Makes what writes the events of one source. They are put together by hand: `JSON.stringify` of all of an event takes
 * twice as long as that of its data alone. What the events of a burst have in common is written once.
 */
export function createWriter(source: string): (parts: EventParts) => string {
  const ending = `,"datacontenttype":"application/json","source":${JSON.stringify(source)}`;
  let common = { type: '', time: '', json: '' };
  return ({ id, type, time, attributes, data }) => {
    if (type !== common.type || time !== common.time) {
      // Joined, it is one piece of text; added up, it would be put together again with each event.
      const json = ['{"specversion":"1.0","type":', JSON.stringify(type), `,"time":"${time}"`, ending, ',"id":"'].join(
        '',
      );
      common = { type, time, json };
    }
    const said = attributes === undefined ? '' : written(attributes);
    if (data === undefined) return `${common.json}${id}"${said}}`;
    // Of most events nothing is said, and each piece fewer is one fewer to be put together.
    const between = said === '' ? '","data":' : `"${said},"data":`;
    return `${common.json}${id}${between}${JSON.stringify(data)}}`;
  };
}

function written(attributes: NonNullable<EventParts['attributes']>): string {
  let json = '';
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) json += `,"${name}":${JSON.stringify(value)}`;
  }
  return json;
}
