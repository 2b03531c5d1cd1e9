import { tabsContract } from '../testing/tabs-contract.ts';
import { createMemoryDevice } from './tabs.ts';

tabsContract('in memory', () => {
  const device = createMemoryDevice();
  const others = createMemoryDevice();
  return {
    tab: device.tab,
    stranger: others.tab,
    async settle() {
      for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    },
    dispose: () => undefined,
  };
});
