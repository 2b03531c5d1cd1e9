// Opens what a device remembers: in IndexedDB, and where the browser has none for us, in memory, visibly.
import { createMemoryDatabase, Failure, openMemoryStore, toFailure, type DeviceStore, type Status } from '@godwit/core';
import { openIdbStore, type IdbStoreOptions } from './store.ts';

/** A store, and where it keeps things. */
export interface OpenedStorage {
  readonly store: DeviceStore;
  readonly storage: Status['storage'];
}

/**
 * Opens the store. A browser without IndexedDB, or one that refuses it (a private window, a full disk), leaves memory:
 * `report` hears why.
 *
 * @throws Failure `Outdated` when a newer release has taken the database: memory would hide what is in it
 */
export async function openStorage(options: IdbStoreOptions): Promise<OpenedStorage> {
  try {
    // Reading the global may throw as well, as in a frame without an origin.
    if (typeof indexedDB === 'undefined') throw new Failure('StorageFailed', 'this browser has no IndexedDB');
    return { store: await openIdbStore(options), storage: 'indexeddb' };
  } catch (error) {
    const failure = toFailure(error, 'StorageFailed');
    if (failure.name === 'Outdated') throw failure;
    options.report(
      new Failure('StorageFailed', `${failure.message}; what is published is kept in memory, and lost with the tab`, {
        cause: failure,
      }),
    );
    return { store: openMemoryStore(createMemoryDatabase(), options.world), storage: 'memory' };
  }
}
