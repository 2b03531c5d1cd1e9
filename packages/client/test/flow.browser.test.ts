import { flowContract, flowEvents } from '@godwit/core/contracts';
import { createTestLogger } from '@godwit/core/testing';
import { commands } from 'vitest/browser';
import { createRuntime } from '../src/index.ts';

flowContract('through workers, in a browser, over a real relay', async () => {
  const relay = await commands.openRelay();
  const application = crypto.randomUUID();
  return {
    // Another user of the browser is another device to the relay: another log, another id.
    tab: (device, channels = ['board']) =>
      createRuntime({
        name: application,
        user: device,
        events: flowEvents,
        relay,
        channels,
        logger: createTestLogger(),
      }),
    close: () => commands.killRelay(relay),
  };
});
