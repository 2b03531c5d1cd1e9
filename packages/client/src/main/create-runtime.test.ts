import { defineEvents, payload } from '@godwit/core';
import { expect, test } from 'vitest';
import { createRuntime } from '../index.ts';

test('a server that renders the page can import this, and is told by name that it has no workers', async () => {
  const events = defineEvents({ 'note.added': payload<{ readonly text: string }>() });
  await expect(createRuntime({ name: 'notes', events })).rejects.toMatchObject({
    name: 'WorkerFailed',
    message: expect.stringContaining('Worker is not defined'),
  });
});
