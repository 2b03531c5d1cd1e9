// What every Store keeps, in memory or on a disk.
import { describe } from 'vitest';
import { openerOf, type StoreDevice } from './store/device.ts';
import { holes } from './store/holes.ts';
import { knowing } from './store/knowing.ts';
import { living } from './store/living.ts';
import { merging } from './store/merging.ts';
import { reading } from './store/reading.ts';
import { trimming } from './store/trimming.ts';
import { writing } from './store/writing.ts';

export type { StoreDevice } from './store/device.ts';

/** The law of `Store`. */
export function storeContract(name: string, make: () => StoreDevice | Promise<StoreDevice>): void {
  describe(`the store ${name}`, () => {
    const opened = openerOf(make);
    writing(opened);
    merging(opened);
    knowing(opened);
    reading(opened);
    trimming(opened);
    holes(opened);
    living(opened);
  });
}
