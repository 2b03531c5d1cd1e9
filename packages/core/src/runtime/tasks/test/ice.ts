// Tabs that freeze and thaw.
import type { DeviceStore } from '../../../ports/tasks.ts';

/** A tab that may be frozen. */
export interface Ice {
  /** While it is frozen: until when. */
  frozen: PromiseWithResolvers<void> | undefined;
}

/** Resolves when the tab is not frozen. */
export async function thawing(its: Ice): Promise<void> {
  while (its.frozen !== undefined) await its.frozen.promise;
}

/** A frozen tab asks its disk nothing, and hears its answers when it thaws. */
export function iced(store: DeviceStore, thawed: () => Promise<void>): DeviceStore {
  return new Proxy(store, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver);
      if (typeof member !== 'function') return member;
      return async (...args: readonly unknown[]): Promise<unknown> => {
        await thawed();
        try {
          return await member.apply(target, args);
        } finally {
          await thawed();
        }
      };
    },
  });
}
