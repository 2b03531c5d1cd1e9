// Puts an engine together out of what a browser's worker has: a database, a lock, a broadcast channel, fetch.
import { createEngine, worldOf, type Engine, type Failure, type Platform } from '@godwit/core';
import { createFetchLink } from '../link/link.ts';
import type { TokenSource } from '../link/token.ts';
import { openStorage } from '../storage/open.ts';
import { openTabs, type TabsPlatform } from '../tabs/tabs.ts';
import type { WorkerOptions } from './border.ts';

/** What a worker, or a page, offers to an engine: `globalThis` has it. */
export interface EnginePlatform extends Platform, TabsPlatform {
  readonly fetch: typeof fetch;
}

/**
 * Makes the engine of one tab.
 *
 * @throws Failure `Outdated` when a newer release has taken the database
 */
export async function composeEngine(parts: {
  readonly options: WorkerOptions;
  readonly platform: EnginePlatform;
  readonly token: TokenSource | undefined;
  readonly report: (failure: Failure) => void;
}): Promise<Engine> {
  const { options, platform, token, report } = parts;
  const { name, relay, credentials, channels, tasks, retention, outbox, after, durability = 'relaxed' } = options;
  const world = worldOf(platform);
  const { store, storage } = await openStorage({ name, world, durability, report });
  return createEngine({
    store,
    storage,
    // A log in memory is this tab's alone, and so is its election: nobody else could send what is in it.
    tabs: openTabs({ name: storage === 'memory' ? world.id() : name, platform }),
    link:
      relay === undefined ? undefined : createFetchLink({ relay, fetch: platform.fetch, world, token, credentials }),
    world,
    channels,
    tasks,
    retention,
    outboxLimits: outbox,
    after,
  });
}
