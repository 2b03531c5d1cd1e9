import type { World } from '../ports/world.ts';
import { createTestWorld } from '../testing/world.ts';
import { telemetryContract, type SeenPoint } from '../testing/telemetry-contract.ts';
import { createMemoryTelemetry } from './telemetry.ts';

telemetryContract('in memory', ({ prefix, broken = false } = {}) => {
  const telemetry = createMemoryTelemetry(broken ? brokenWorld : createTestWorld(), prefix);
  return {
    telemetry,
    counted: async (name) => telemetry.counted(name),
    async timed(name) {
      const sums = new Map<string, SeenPoint>();
      for (const { value, attributes } of telemetry.recorded(name)) {
        const key = JSON.stringify(attributes);
        const { value: sum, count = 0 } = sums.get(key) ?? { value: 0 };
        sums.set(key, { value: sum + value, count: count + 1, attributes });
      }
      return [...sums.values()];
    },
    observed: async (name) => telemetry.observed(name),
    async spans() {
      return telemetry.spans.map(({ context, parent, ...span }) => ({
        ...span,
        ...context,
        parentSpanId: parent?.spanId,
      }));
    },
  };
});

/** Neither clock nor chance: what the memory would keep, it cannot make. */
const brokenWorld: Pick<World, 'now' | 'id'> = {
  now() {
    throw new Error('no clock');
  },
  id() {
    throw new Error('no chance');
  },
};
