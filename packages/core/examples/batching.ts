// Row 102. Many small writes as few big ones: when there are enough, when time is up, and at the end.
import { createBatcher, createDispatcher } from '@godwit/core/dispatcher';

/** Writes readings in batches of 100, at least every second. Answers the batches. */
export async function batching(readings: readonly number[]): Promise<readonly (readonly number[])[]> {
  const written: (readonly number[])[] = [];
  const dispatcher = createDispatcher<{ 'sensor.read': number }>();
  const batcher = createBatcher<number>({
    sizeMax: 100,
    afterMs: 1000,
    flush: async (rows) => void written.push(rows),
  });
  dispatcher.on('sensor.read', (reading) => batcher.add(reading));
  for (const reading of readings) dispatcher.dispatch('sensor.read', reading);
  await batcher.close();
  return written;
}
