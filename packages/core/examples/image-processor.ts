// Row 104. Slow work for a few workers, with a bounded queue in front of them, drained at shutdown.
import { createDispatcher, createProcessor } from '@godwit/core/dispatcher';

/** Makes thumbnails of what is uploaded, two at a time. Answers the order in which they were done, and how many ran at once. */
export async function thumbnails(
  names: readonly string[],
): Promise<{ readonly done: readonly string[]; readonly most: number }> {
  const done: string[] = [];
  let running = 0;
  let most = 0;
  const processor = createProcessor(
    async (name: string) => {
      most = Math.max(most, (running += 1));
      await Promise.resolve();
      running -= 1;
      done.push(name);
    },
    { workers: 2, capacity: 1000 },
  );
  const dispatcher = createDispatcher<{ 'image.uploaded': string }>();
  dispatcher.on('image.uploaded', (name) => processor.submit(name));
  for (const name of names) dispatcher.dispatch('image.uploaded', name);
  await processor.close();
  return { done, most };
}
