import { defineEvents, payload, type Runtime } from '@godwit/core';
import { gather, untilStatus } from '@godwit/core/testing';
import { deleteDB } from 'idb';
import { expect, onTestFinished, test } from 'vitest';
import { createRuntime } from './main/create-runtime.ts';
import { databaseName } from './storage/schema.ts';

const events = defineEvents({
  'note.added': payload<{ readonly text: string }>(),
  'note.indexed': payload<{ readonly text: string; readonly where: string }>(),
});

test('handlers in an application\u2019s own worker run there, with retries, and what they publish is heard in the page', async () => {
  const name = crypto.randomUUID();
  const alice = await open(name);
  const indexed = gather<string>();
  alice.on('note.indexed', ({ data }) => indexed.add(`${data.text} in the ${data.where}`));
  await alice.publish('note.added', { text: 'fly' });
  await alice.publish('note.added', { text: 'shy' });
  expect(await indexed.until(2)).toEqual(['fly in the worker', 'shy in the worker']);
  const [index] = await alice.tasks.handlers();
  expect(index).toMatchObject({ name: 'index', totals: { passed: 2, failed: 1 } });
});

test('the page\u2019s handlers run beside them, each where it is defined; a name that the worker has is refused to the page', async () => {
  const name = crypto.randomUUID();
  const reports = gather<string>();
  const alice = await open(name, reports.add);
  const heard = gather<string>();
  alice.on('note.indexed', ({ data }) => heard.add(`indexed ${data.text}`));
  alice.handle('note.added', 'count', ({ data }) => heard.add(`counted ${data.text}`), { from: 'earliest' });
  alice.handle('note.added', 'index', () => heard.add('never'));
  await alice.publish('note.added', { text: 'fly' });
  expect((await heard.until(2)).toSorted((a, b) => a.localeCompare(b))).toEqual(['counted fly', 'indexed fly']);
  expect((await reports.until(1))[0]).toContain('"index" already');
});

test('of two tabs with such a worker, one runs the handler; when its tab closes the other goes on', async () => {
  const name = crypto.randomUUID();
  const [first, second] = [await open(name), await open(name)];
  const indexed = gather<string>();
  second.on('note.indexed', ({ data }) => indexed.add(data.text));
  await first.publish('note.added', { text: 'one' });
  expect(await indexed.until(1)).toEqual(['one']);
  await first.close();
  await second.publish('note.added', { text: 'two' });
  expect(await indexed.until(2)).toEqual(['one', 'two']);
  await untilStatus(second.status, ({ handlers }) => (handlers['index']?.totals.handled ?? 0) === 2);
});

test.each([
  ['null', '`events` is what `defineEvents` answers'],
  ['{"events":["note.added"]}', '`events` is what `defineEvents` answers'],
  ['{"events":{}}', '`run` is a function; got undefined'],
  ['{"events":{},"report":"console"}', '`report` is a function; got string'],
  ['{"events":{},"logger":{}}', '`logger` has the functions'],
  ['{"events":{},"tasks":{"workers":0}}', '`tasks.workers` is a whole number of at least 1, got 0'],
])('a page whose own worker was made with %s hears what is wrong', async (options, said) => {
  const opened = createRuntime({
    name: crypto.randomUUID(),
    events,
    worker: () =>
      new Worker(new URL('./worker/own-unfit.test-worker.ts', import.meta.url), { type: 'module', name: options }),
  });
  await expect(opened).rejects.toMatchObject({
    name: 'WorkerFailed',
    message: expect.stringContaining(`of a runtime\u2019s options, ${said}`),
  });
});

async function open(name: string, report?: (message: string) => void): Promise<Runtime<typeof events>> {
  const runtime = await createRuntime({
    name,
    events,
    worker: () => new Worker(new URL('./worker/own.test-worker.ts', import.meta.url), { type: 'module' }),
    ...(report === undefined ? {} : { report: ({ message }) => report(message) }),
  });
  onTestFinished(async () => {
    await runtime.close();
    await deleteDB(databaseName(name, ''));
  });
  return runtime;
}
