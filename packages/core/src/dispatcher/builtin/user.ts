// What happens to users. Ready definitions, importable one by one.
import type { EventDefinition } from '../../event/define.ts';
import { builtin } from './builtin.ts';

/** Which user; whatever else an application knows of it goes along. */
export interface UserPayload {
  readonly userId: string;
  readonly [detail: string]: unknown;
}

/** A user came to be. */
export const UserCreated: EventDefinition<'user.created', UserPayload> = /* @__PURE__ */ builtin('user.created');

/** A user's data changed. */
export const UserUpdated: EventDefinition<'user.updated', UserPayload> = /* @__PURE__ */ builtin('user.updated');

/** A user is gone. */
export const UserDeleted: EventDefinition<'user.deleted', UserPayload> = /* @__PURE__ */ builtin('user.deleted');

/** A user came in. */
export const UserLoggedIn: EventDefinition<'user.logged_in', UserPayload> = /* @__PURE__ */ builtin('user.logged_in');

/** A user left. */
export const UserLoggedOut: EventDefinition<'user.logged_out', UserPayload> =
  /* @__PURE__ */ builtin('user.logged_out');

/** A user's password was reset. */
export const UserPasswordReset: EventDefinition<'user.password_reset', UserPayload> =
  /* @__PURE__ */ builtin('user.password_reset');
