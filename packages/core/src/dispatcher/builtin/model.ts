// What happens to entries of a catalogue of models. Ready definitions, importable one by one.
import type { EventDefinition } from '../../event/define.ts';
import { builtin } from './builtin.ts';

/** Which model; whatever else an application knows of it goes along. */
export interface ModelPayload {
  readonly modelId: string;
  readonly [detail: string]: unknown;
}

/** A model came to the catalogue. */
export const ModelAdded: EventDefinition<'model.added', ModelPayload> = /* @__PURE__ */ builtin('model.added');

/** A model changed. */
export const ModelUpdated: EventDefinition<'model.updated', ModelPayload> = /* @__PURE__ */ builtin('model.updated');

/** A model left the catalogue. */
export const ModelDeleted: EventDefinition<'model.deleted', ModelPayload> = /* @__PURE__ */ builtin('model.deleted');
