// What every store of durable handlers keeps, in memory or on a disk.
import { describe } from 'vitest';
import { advancing } from './tasks/advancing.ts';
import { agreeing } from './tasks/agreeing.ts';
import { beside } from './tasks/beside.ts';
import { changing } from './tasks/changing.ts';
import { claiming } from './tasks/claiming.ts';
import { tasksOf, type TaskDevice } from './tasks/device.ts';
import { keeping } from './tasks/keeping.ts';
import { keyed } from './tasks/keyed.ts';
import { leasing } from './tasks/leasing.ts';
import { paging } from './tasks/paging.ts';

export type { TaskDevice } from './tasks/device.ts';

/** The law of `TaskStore`. */
export function taskStoreContract(name: string, make: () => TaskDevice | Promise<TaskDevice>): void {
  describe(`the handlers of the store ${name}`, () => {
    const opened = tasksOf(make);
    leasing(opened);
    advancing(opened);
    claiming(opened);
    keyed(opened);
    changing(opened);
    paging(opened);
    keeping(opened);
    agreeing(opened);
    beside(opened);
  });
}
