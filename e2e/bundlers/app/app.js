// What every bundler is given: publishes one event, and hears it live and durably.
import { createRuntime } from '@godwit/client';
import { defineEvents, payload } from '@godwit/core';

const events = defineEvents({ 'note.written': payload() });

/** Answers what was heard, and where it was stored. */
export async function run() {
  const runtime = await createRuntime({ name: 'bundled', events });
  const heard = new Promise((resolve) => {
    runtime.on('note.written', ({ data }) => resolve(data.text));
  });
  const handled = new Promise((resolve) => {
    runtime.handle('note.written', 'keep-note', ({ data }) => resolve(data.text));
  });
  await runtime.publish('note.written', { text: 'hello' });
  const { storage } = runtime.status.get();
  return { heard: await heard, handled: await handled, storage };
}
