import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { flowContract, flowEvents } from '@godwit/core/contracts';
import { createTestLogger } from '@godwit/core/testing';
import { createRuntime } from '../../src/node/index.ts';
import { startTestRelay } from '../relay.ts';

flowContract('on Node, in SQLite, over a real relay', async () => {
  const relay = await startTestRelay();
  const folder = await mkdtemp(join(tmpdir(), 'godwit-client-'));
  return {
    tab: (device, channels = ['board']) =>
      createRuntime({
        file: join(folder, `${device}.sqlite`),
        durability: 'os',
        events: flowEvents,
        relay: relay.url,
        channels,
        logger: createTestLogger(),
      }),
    async close() {
      await relay.kill();
      await rm(folder, { recursive: true });
    },
  };
});
