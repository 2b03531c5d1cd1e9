// An application's own worker for the tests: it counts notes, and tells what it has counted.
import { defineEvents, payload } from '@godwit/core';
import { serveOwnWorker } from '../own-worker.ts';

const events = defineEvents({
  'note.added': payload<{ readonly text: string }>(),
  'note.indexed': payload<{ readonly text: string; readonly where: string }>(),
});

serveOwnWorker({
  events,
  run(runtime) {
    runtime.handle(
      'note.added',
      'index',
      async ({ data: { text } }, { attempt, publish }) => {
        if (text === 'shy' && attempt === 1) throw new Error('not yet');
        const where = 'document' in globalThis ? 'page' : 'worker';
        await publish('note.indexed', { text, where });
      },
      { from: 'earliest', backoff: { baseMs: 1, capMs: 1 } },
    );
  },
});
