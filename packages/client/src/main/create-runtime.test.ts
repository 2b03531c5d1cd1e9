import { defineEvents, payload } from '@godwit/core';
import { gather } from '@godwit/core/testing';
import { expect, test } from 'vitest';
import { createRuntime } from '@godwit/client';

const events = defineEvents({ 'note.added': payload<{ readonly text: string }>() });

test('a server that renders the page imports this, and gets a runtime in memory that talks to no relay', async () => {
  const runtime = await createRuntime({ name: 'notes', events, relay: '/', token: () => expect.fail('nobody asks') });
  const heard = gather<string>();
  runtime.on('note.added', ({ data }) => heard.add(data.text));
  await runtime.publish('note.added', { text: 'rendered' });
  expect(await heard.until(1)).toEqual(['rendered']);
  expect(runtime.status.get()).toMatchObject({ storage: 'memory', connection: 'none', role: 'solo', pending: 0 });
  await runtime.close();
});

test('what is wrong is told to a server as it is told to a page', async () => {
  for (const options of [{ name: '', events }, JSON.parse('null'), undefined]) {
    await expect(createRuntime(options)).rejects.toMatchObject({ name: 'InvalidOptions' });
  }
});
