// What an application says when it creates a runtime on Node.
import type { EventDefinitions } from '@godwit/core';
import { checkCommon, invalid, type CheckedCommon, type CommonOptions } from '../options.ts';
import type { Durability } from './sqlite/file.ts';

/** How a runtime on Node is created. */
export interface RuntimeOptions<Events extends EventDefinitions> extends CommonOptions<Events> {
  /**
   * The file that holds the device's log; it is made where there is none, and its folder. Runtimes of one file in one
   * thread are tabs of one device; another process is refused. Without it, what is published is lost with the runtime.
   */
  readonly file?: string | undefined;
  /**
   * `fsync` (the default): what is published survives the loss of power. `os`: it survives the death of the process, and
   * the loss of power unless it is seconds old.
   */
  readonly durability?: Durability | undefined;
}

/** Options as the runtime takes them. */
export interface CheckedOptions extends CheckedCommon {
  readonly file: string | undefined;
  readonly durability: Durability;
}

/**
 * Checks the options that types cannot.
 *
 * @throws Failure `InvalidOptions`, `InvalidChannel`
 */
export function checkOptions(options: RuntimeOptions<EventDefinitions>): CheckedOptions {
  // A caller without types may leave them out: then the events are what is missing.
  const given = options ?? {};
  const { file, durability = 'fsync' } = given;
  if (file !== undefined && (typeof file !== 'string' || file === '' || file.includes('\0'))) {
    throw invalid('`file` is a path, and not empty; for a log in memory, leave it out');
  }
  if (durability !== 'fsync' && durability !== 'os') {
    throw invalid(`\`durability\` is "fsync" or "os", got ${JSON.stringify(durability)}`);
  }
  // Node has no page that a relative address could stand behind.
  return { file, durability, ...checkCommon(given, undefined) };
}
