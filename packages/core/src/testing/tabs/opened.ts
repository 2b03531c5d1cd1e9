// Tabs as their contract gets them.
import type { Tabs } from '../../ports/tabs.ts';

/** A device whose log can be opened in several tabs. */
export interface TabsDevice {
  /** Opens a tab on the device's log. */
  tab(): Tabs;
  /** Opens a tab on another log. */
  stranger(): Tabs;
  /** Resolves when a message that was announced before has been heard by whoever was to hear it. */
  settle(): Promise<void>;
  dispose(): void | Promise<void>;
}

/** A device with two tabs. */
export interface OpenedTabs {
  readonly device: TabsDevice;
  readonly alice: Tabs;
  readonly bob: Tabs;
}
