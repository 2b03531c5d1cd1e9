import { logContract } from '../testing/log-contract.ts';
import { createTestWorld } from '../testing/world.ts';
import { createMemoryLogs } from './log.ts';

logContract('in memory', async () => {
  const logs = createMemoryLogs(createTestWorld());
  return { logs, close: () => logs.close() };
});
