import { neighboursContract } from '../testing/neighbours-contract.ts';
import { createMemoryCluster } from './neighbours.ts';

neighboursContract('in memory', () => {
  const [cluster, others] = [createMemoryCluster(), createMemoryCluster()];
  return {
    relay: cluster.relay,
    stranger: others.relay,
    async settle() {
      for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    },
    dispose: () => undefined,
  };
});
