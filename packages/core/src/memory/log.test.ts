import { createTestWorld, logContract } from '../testing/index.ts';
import { createMemoryLogs } from './log.ts';

logContract('in memory', async () => {
  const logs = createMemoryLogs(createTestWorld());
  return { logs, close: () => logs.close() };
});
