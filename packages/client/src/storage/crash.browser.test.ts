import { worldOf, type Failure } from '@godwit/core';
import { contentsOf, filled, storeChanges } from '@godwit/core/contracts';
import { expect, onTestFinished, test, vi } from 'vitest';
import { databaseName } from './schema.ts';
import { openIdbStore } from './store.ts';

const world = worldOf(globalThis);

test.each(storeChanges)('%s, cut off between any two of its writes, leaves all of it or nothing', async (_, make) => {
  const store = await openIdbStore({ name: databaseName(world.id(), ''), world, report: unexpected });
  onTestFinished(() => store.destroy());
  const record = await filled(store);
  const before = await contentsOf(store);
  let cuts = 0;
  for (;;) {
    const cut = cutBehind(cuts);
    const failed = await make(store, record).then(
      () => false,
      () => true,
    );
    cut.restore();
    if (!cut.wasCut) {
      expect(failed).toBe(false);
      break;
    }
    expect(failed).toBe(true);
    expect(await contentsOf(store)).toEqual(before);
    cuts += 1;
  }
  expect(cuts).toBeGreaterThan(1);
  expect(await contentsOf(store)).not.toEqual(before);
});

/** Ends each transaction once it has asked for so many writes, as the death of its process does; until `restore`. */
function cutBehind(writes: number): { readonly wasCut: boolean; restore(): void } {
  const asked = new WeakMap<IDBTransaction, number>();
  let wasCut = false;
  const count = (transaction: IDBTransaction): void => {
    const before = asked.get(transaction) ?? 0;
    asked.set(transaction, before + 1);
    if (before < writes) return;
    wasCut = true;
    transaction.abort();
  };
  const spies = (['put', 'add', 'delete'] as const).map((name) => {
    const real: (this: IDBObjectStore, ...args: never[]) => IDBRequest = IDBObjectStore.prototype[name];
    return vi.spyOn(IDBObjectStore.prototype, name).mockImplementation(function (
      this: IDBObjectStore,
      ...args: readonly unknown[]
    ) {
      count(this.transaction);
      // Of a transaction that has ended it throws, as it does of one that the browser has aborted.
      return Reflect.apply(real, this, args);
    });
  });
  const restore = (): void => {
    for (const spy of spies) spy.mockRestore();
  };
  onTestFinished(restore);
  return {
    get wasCut() {
      return wasCut;
    },
    restore,
  };
}

function unexpected(failure: Failure): never {
  throw failure;
}
