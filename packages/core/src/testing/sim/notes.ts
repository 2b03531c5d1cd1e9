// The events of the simulated application, in two releases.
import type { CloudEvent } from '../../event/cloudevent.ts';
import { defineEvent, defineEvents, type EventDefinition } from '../../event/define.ts';
import { payload } from '../../event/schema.ts';
import type { NoteData } from './device.ts';

/** The application's events. */
export type NoteEvents = {
  readonly 'note.made': EventDefinition<'note.made', NoteData, NoteData>;
  /** Told only, never stored. */
  readonly 'note.whispered': EventDefinition<'note.whispered', NoteData, NoteData>;
};

const events: NoteEvents = defineEvents({
  'note.made': payload<NoteData>(),
  'note.whispered': payload<NoteData>(),
});

/** The next release's: it lifts what the one before has written, which knows nothing of it. */
const nextEvents: NoteEvents = defineEvents({
  'note.made': defineEvent('note.made', { version: 2, schema: payload<NoteData>(), upcast: { 1: (old) => old } }),
  'note.whispered': payload<NoteData>(),
});

/** Which release a tab is of. */
export type Release = 1 | 2;

/** What a release defines. */
export function eventsOf(release: Release): NoteEvents {
  return release === 1 ? events : nextEvents;
}

/** Whether a release understands an event of the log. */
export function understands(release: Release, { dataschemaversion }: CloudEvent): boolean {
  return release === 2 || dataschemaversion !== '2';
}
