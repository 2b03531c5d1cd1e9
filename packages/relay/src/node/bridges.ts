// Bridges: transports that the relay itself opens, to another system, and what each of them is given.
import type { DatabaseSync } from 'node:sqlite';
import type { Tell, World } from '@godwit/core';
import type { Channels } from '@godwit/core/feed';
import type { Limits } from '@godwit/core/protocol';
import { storageFailure } from './sqlite/database.ts';

/** A few texts that survive the process, in the relay's file. */
export interface BridgeNotes {
  get(key: string): string | undefined;
  /** @throws Failure `StorageFailed` */
  put(key: string, value: string): void;
}

/** What a bridge stands on. Nobody asks it for a token: whoever runs the relay has said what it may read and write. */
export interface BridgeParts {
  readonly channels: Channels;
  readonly limits: Limits;
  readonly world: World;
  readonly notes: BridgeNotes;
  readonly tell: Tell;
}

/** A bridge that runs. */
export interface RunningBridge {
  /** Ends what is under way within moments. What was not acknowledged is sent by the next process. */
  stop(): Promise<void>;
}

/** Starts a bridge. It does not wait until the other side is there. */
export type Bridge = (parts: BridgeParts) => RunningBridge;

/** The key of a bridge's position in a channel: what stands behind it is moved with the channel to a new epoch (`boot.ts`). */
export function positionKey(channel: string, bridge: string, target: string): string {
  return `position/${channel}/${bridge}/${target}`;
}

/** Prepares the statements. Notes stand beside the file's own marks, under a name that none of those has. */
export function prepareNotes(database: DatabaseSync): BridgeNotes {
  const get = database.prepare("SELECT value FROM meta WHERE key = 'bridge/' || ?");
  const put = database.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('bridge/' || ?, ?)");
  return {
    get(key) {
      const found = get.get(key)?.['value'];
      return found === undefined ? undefined : String(found);
    },
    put(key, value) {
      try {
        put.run(key, value);
      } catch (error) {
        throw storageFailure(error, 'cannot note how far a bridge is');
      }
    },
  };
}
