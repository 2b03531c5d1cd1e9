// What happens to a catalogue as a whole. Ready definitions, importable one by one.
import type { EventDefinition } from '../../event/define.ts';
import { builtin } from './builtin.ts';

/** Which catalogue; whatever else is known of it goes along. */
export interface CatalogPayload {
  readonly catalogId: string;
  readonly [detail: string]: unknown;
}

/** A catalogue has a new edition. */
export const CatalogPublished: EventDefinition<'catalog.published', CatalogPayload> =
  /* @__PURE__ */ builtin('catalog.published');
