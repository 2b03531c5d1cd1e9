// A device of a simulated world, as others see it.
import type { Disk } from './device.ts';
import type { SimTab } from './sim-tab.ts';
import type { SimTabsDevice } from './tabs.ts';

/** A device, and what can be done to it. */
export interface SimDevice {
  readonly name: string;
  disk: Disk;
  tabsDevice: SimTabsDevice;
  readonly tabs: SimTab[];
  skewMs: number;
  isFull: boolean;
}
