// The client's worker as it ships, but that it tells how long its engine took for what it was handed.
import { expose, wrap } from 'comlink';
import type { PageSide } from '../../../src/worker/border.ts';
import { serveEngine } from '../../../src/worker/serve.ts';
import { countTimers } from './timers.ts';
import { timerWire, wire, type Told } from './wire.ts';

const channel = new BroadcastChannel(wire);
const timers = countTimers();
const asked = new BroadcastChannel(timerWire);
asked.addEventListener('message', () => asked.postMessage(timers()));
const served = serveEngine(globalThis, wrap<PageSide>(globalThis));

expose(
  {
    ...served,
    async record(drafts) {
      const begun = performance.now();
      const outcome = await served.record(drafts);
      channel.postMessage({ ms: performance.now() - begun } satisfies Told);
      return outcome;
    },
  } satisfies typeof served,
  globalThis,
);
