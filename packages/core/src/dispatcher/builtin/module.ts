// What happens to modules of an application. Ready definitions, importable one by one.
import type { EventDefinition } from '../../event/define.ts';
import { builtin } from './builtin.ts';

/** Which module; whatever else an application knows of it goes along. */
export interface ModulePayload {
  readonly module: string;
  readonly [detail: string]: unknown;
}

/** A module was installed. */
export const ModuleInstalled: EventDefinition<'module.installed', ModulePayload> =
  /* @__PURE__ */ builtin('module.installed');

/** A module was uninstalled. */
export const ModuleUninstalled: EventDefinition<'module.uninstalled', ModulePayload> =
  /* @__PURE__ */ builtin('module.uninstalled');

/** A module was switched on. */
export const ModuleActivated: EventDefinition<'module.activated', ModulePayload> =
  /* @__PURE__ */ builtin('module.activated');

/** A module was switched off. */
export const ModuleDeactivated: EventDefinition<'module.deactivated', ModulePayload> =
  /* @__PURE__ */ builtin('module.deactivated');

/** A module has a new version. */
export const ModuleUpdated: EventDefinition<'module.updated', ModulePayload> =
  /* @__PURE__ */ builtin('module.updated');
