// Events' JSON, made once, as they are published: what is stored from here on. And how it is read.
import type { CloudEvent } from './cloudevent.ts';

/** What an event is made of: checked, and what is undefined is left out. */
export interface EventParts {
  readonly id: string;
  readonly type: string;
  readonly attributes?: Readonly<Record<string, string | boolean | undefined>> | undefined;
  /** What JSON can carry, or undefined. */
  readonly data: unknown;
}

/** Writes the events of one source, in two parts. */
export interface Writer {
  /** What the JSON of all events of one time begins with. `time` is as RFC 3339 has it. */
  beginning(time: string): string;
  /** What follows in one of them. */
  ending(parts: EventParts): string;
}

/** JSON has none but in what is laid out for the eye. */
const newline = '\n';

/**
 * Makes what writes the events of one source. They are put together by hand: `JSON.stringify` of all of an event takes
 * twice as long as that of its data alone.
 */
export function createWriter(source: string): Writer {
  const beginning = `{"specversion":"1.0","datacontenttype":"application/json","source":${JSON.stringify(source)},"time":"`;
  let common = { type: '', json: '' };
  return {
    beginning: (time) => `${beginning}${time}",`,
    ending({ id, type, attributes, data }) {
      // Joined, it is one piece of text; added up, it would be put together again with each event.
      if (type !== common.type) common = { type, json: ['"type":', JSON.stringify(type), ',"id":"'].join('') };
      const said = attributes === undefined ? '' : written(attributes);
      if (data === undefined) return `${common.json}${id}"${said}}`;
      // Of most events nothing is said, and each piece fewer is one fewer to be put together.
      const between = said === '' ? '","data":' : `"${said},"data":`;
      return `${common.json}${id}${between}${JSON.stringify(data)}}`;
    },
  };
}

/**
 * Events as one text: a line for what all of them begin with, and one for the rest of each. It is cloned, stored and read
 * several times faster than the objects that it stands for, and is half of what their JSON is.
 */
export function textOf(beginning: string, endings: readonly string[]): string {
  return [beginning, ...endings].join(newline);
}

/** The events of such a text. What has written it is believed. */
export function eventsIn(text: string): readonly CloudEvent[] {
  const [beginning = '', ...endings] = text.split(newline);
  // Before there were two parts, it was their JSON with a comma between each and the next.
  if (endings.length === 0) return JSON.parse(`[${beginning}]`);
  // What they have in common is parsed once, which is a third faster than to parse all of it for each.
  const common: object = JSON.parse(`${beginning.slice(0, -1)}}`);
  const own: readonly CloudEvent[] = JSON.parse(`[{${endings.join(',{')}]`);
  return own.map((its) => ({ ...common, ...its }));
}

function written(attributes: NonNullable<EventParts['attributes']>): string {
  let json = '';
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) json += `,"${name}":${JSON.stringify(value)}`;
  }
  return json;
}
