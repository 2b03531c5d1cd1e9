// What an application says when it creates a runtime in a page.
import type { EventDefinitions } from '@godwit/core';
import {
  assertFunction,
  assertOneOf,
  checkCommon,
  invalid,
  type CheckedCommon,
  type CommonOptions,
} from '../options.ts';

/** How a runtime is created. */
export interface RuntimeOptions<Events extends EventDefinitions> extends CommonOptions<Events> {
  /** The application's name. Tabs of one origin with the same name and user share a log. */
  readonly name: string;
  /** Who is signed in: each user has a log of their own, so that the next one of a browser never reads the last one's. */
  readonly user?: string | undefined;
  /** Whether cookies go to the relay, as `fetch` has it; `same-origin` by default. */
  readonly credentials?: RequestCredentials | undefined;
  /** `relaxed` (the default) survives the death of processes; `strict` also the loss of power, and costs a disk flush each. */
  readonly durability?: 'relaxed' | 'strict' | undefined;
  /** Asks the browser not to throw the log away when the disk is short. It may ask the user, and may refuse. */
  readonly persist?: boolean | undefined;
  /** Makes the worker, where a bundler cannot find it by itself. */
  readonly worker?: (() => Worker) | undefined;
}

/** Options as the runtime takes them. */
export interface CheckedOptions extends CheckedCommon {
  readonly name: string;
  readonly user: string;
}

/**
 * Checks the options that types cannot.
 *
 * @param base what a relative address stands behind
 * @throws Failure `InvalidOptions`, `InvalidChannel`
 */
export function checkOptions(options: RuntimeOptions<EventDefinitions>, base: string | undefined): CheckedOptions {
  // A caller without types may leave them out: what is missing then is the name.
  const { name, user = '', durability = 'relaxed', credentials = 'same-origin', worker } = options ?? {};
  if (typeof name !== 'string' || name === '') throw invalid('`name` is the application\u2019s name, and not empty');
  if (typeof user !== 'string') throw invalid('`user` is a string; for nobody, leave it out');
  assertOneOf('durability', durability, ['relaxed', 'strict']);
  assertOneOf('credentials', credentials, ['same-origin', 'include', 'omit']);
  assertFunction('worker', worker);
  return { name, user, ...checkCommon(options, base) };
}
