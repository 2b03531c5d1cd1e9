// An application tests its durable handler where it will run: on several devices, with tabs that die and relays that fail.
import { defineEvents } from '@godwit/core';
import { rehearse, type Rehearsed } from '@godwit/core/testing';
import * as v from 'valibot';

const sale = v.object({ count: v.number() });
const events = defineEvents({ 'item.sold': sale });

/** What each device keeps beside its log: how many are left, and which sales it has counted. */
export interface Shelf {
  left: number;
  readonly counted: Set<string>;
}

/** How a sale changes a shelf. */
export type Take = (shelf: Shelf, sale: { readonly id: string; readonly count: number }) => void;

/** An event may be handled twice, and is counted once. */
export const takeOnce: Take = (shelf, { id, count }) => {
  if (shelf.counted.has(id)) return;
  shelf.counted.add(id);
  shelf.left -= count;
};

/** Forgets that an event may be handled twice. */
export const takeAgain: Take = (shelf, { count }) => {
  shelf.left -= count;
};

/** How many every shelf begins with. */
const full = 1000;

/** Twenty seeds, each with other faults: at rest every shelf shows what the log of sales leaves. */
export function rehearseShelf(take: Take): Promise<Rehearsed> {
  return rehearse(
    {
      events,
      device: (): Shelf => ({ left: full, counted: new Set() }),
      open: ({ runtime, device, outside }) =>
        void runtime.handle(
          'item.sold',
          'shelf',
          ({ id, data }) => outside(() => take(device, { id, count: data.count })),
          { from: 'earliest' },
        ),
      act: ({ runtime, dice }) => runtime.publish('item.sold', { count: dice.whole(1, 3) }),
      atRest({ devices, logs }) {
        const sold = logs.get('default')?.reduce((sum, { data }) => sum + v.parse(sale, data).count, 0) ?? 0;
        for (const { name, device } of devices)
          if (device.left !== full - sold)
            throw new Error(`${name} shows that ${device.left} are left, and it is ${full - sold}`);
      },
    },
    { seeds: 20, devices: 2, tabs: 2 },
  );
}
