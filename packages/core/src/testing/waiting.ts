// Waiting for what a test expects, without sleeping: on what a handler hears, or on how things stand.
import type { Readable } from '../runtime/runtime.ts';
import type { Stop } from '../ports/world.ts';

/** Gathers what it is called with. */
export interface Gathered<Item> {
  readonly items: readonly Item[];
  readonly add: (item: Item) => void;
  /** Resolves when at least `count` items have come. */
  until(count: number): Promise<readonly Item[]>;
}

/** Makes something that gathers. */
export function gather<Item>(): Gathered<Item> {
  const items: Item[] = [];
  let waiting: { readonly count: number; readonly resolve: (items: readonly Item[]) => void }[] = [];
  return {
    items,
    add(item) {
      items.push(item);
      const ready = waiting.filter(({ count }) => items.length >= count);
      waiting = waiting.filter(({ count }) => items.length < count);
      for (const { resolve } of ready) resolve([...items]);
    },
    until(count) {
      if (items.length >= count) return Promise.resolve([...items]);
      return new Promise((resolve) => waiting.push({ count, resolve }));
    },
  };
}

/** Resolves with the first value that fits, also when the present one does. */
export function untilStatus<Value>(readable: Readable<Value>, fits: (value: Value) => boolean): Promise<Value> {
  return new Promise((resolve) => {
    let stop: Stop | undefined;
    const look = (): void => {
      const value = readable.get();
      if (!fits(value)) return;
      stop?.();
      resolve(value);
    };
    stop = readable.subscribe(look);
    look();
  });
}
