// Several lives in one page, or of one application: started twice, replaced while it runs, of two releases side by side.
import { defineEvent, defineEvents, payload } from '@godwit/core';
import { createTestLogger, gather, untilStatus } from '@godwit/core/testing';
import { expect, onTestFinished, test, vi } from 'vitest';
import { databaseName } from '../storage/schema.ts';
import { createRuntime } from './create-runtime.ts';
import { events, freshName, mortalWorkers, open, workerOf } from './test/tab.ts';

test('a page that starts twice at once, as StrictMode has it, has one runtime, one worker and one leader in the end', async () => {
  const name = freshName();
  const { made, alive, worker } = mortalWorkers();
  // An effect, its cleanup, and the effect again, in one tick.
  const first = createRuntime({ name, events, worker, relay: '/nowhere' });
  const cleanedUp = first.then((runtime) => runtime.close());
  const second = await open({ name, worker, relay: '/nowhere' });
  await cleanedUp;

  const heard = gather<string>();
  second.on('note.added', ({ data }) => heard.add(data.text));
  await second.publish('note.added', { text: 'fly' });
  expect(await heard.until(1)).toEqual(['fly']);
  await untilStatus(second.status, ({ role }) => role === 'leader');
  expect(made).toHaveLength(2);
  expect(alive.size).toBe(1);
  const leading = async () => {
    const { held = [], pending = [] } = await navigator.locks.query();
    return [...held, ...pending].filter((lock) => lock.name === databaseName(name, ''));
  };
  await vi.waitFor(async () => expect(await leading()).toHaveLength(1), { timeout: 20_000 });
});

test('a start that is aborted ends at once and leaves no worker behind: before it has one, while that one hangs, and behind its answer', async () => {
  const { made, alive, worker: hanging } = mortalWorkers(() => workerOf('for (;;);'));
  const refused = (signal: AbortSignal, worker: () => Worker) =>
    expect(createRuntime({ name: freshName(), events, worker, signal })).rejects.toMatchObject({ name: 'Closed' });

  await refused(AbortSignal.abort(), hanging);
  expect(made).toHaveLength(0);

  const leaving = new AbortController();
  const ended = refused(leaving.signal, hanging);
  await vi.waitFor(() => expect(made).toHaveLength(1), { timeout: 20_000 });
  leaving.abort();
  await ended;
  expect(alive.size).toBe(0);

  // The page hears of its worker's hello, and leaves.
  const late = new AbortController();
  const shipped = mortalWorkers();
  await refused(late.signal, () => {
    const worker = shipped.worker();
    worker.addEventListener('message', () => late.abort(), { once: true });
    return worker;
  });
  expect(shipped.made).toHaveLength(1);
  expect(shipped.alive.size).toBe(0);
});

test('a page that is prerendered and given up starts nothing', async () => {
  Object.defineProperty(document, 'prerendering', { value: true, configurable: true });
  onTestFinished(() => void Reflect.deleteProperty(document, 'prerendering'));
  const { made, worker } = mortalWorkers();
  const leaving = new AbortController();
  const opened = createRuntime({ name: freshName(), events, worker, signal: leaving.signal });
  const refused = expect(opened).rejects.toMatchObject({ name: 'Closed' });
  leaving.abort();
  await refused;
  // One that had been given up before does not wait to be shown, either.
  const late = createRuntime({ name: freshName(), events, worker, signal: leaving.signal });
  await expect(late).rejects.toMatchObject({ name: 'Closed' });
  expect(made).toHaveLength(0);
});

test('a module that is replaced while it runs, as hot reloading does, hands its durable handler over: each event is handled once', async () => {
  const name = freshName();
  const handled = gather<string>();
  const opened = async (release: number) => {
    const runtime = await open({ name });
    runtime.handle('note.added', 'index', ({ data }) => handled.add(`${data.text} by ${release}`));
    return runtime;
  };
  let before = await opened(1);
  await before.publish('note.added', { text: 'a' });
  await handled.until(1);
  for (const release of [2, 3]) {
    const runtime = await opened(release);
    // Of both modules one handles it, never both.
    await before.publish('note.added', { text: 'b' });
    await handled.until(handled.items.length + 1);
    // `import.meta.hot.dispose` of the old module.
    await before.close();
    await runtime.publish('note.added', { text: 'c' });
    await handled.until(handled.items.length + 1);
    before = runtime;
  }
  expect(handled.items.map((text) => text.slice(0, 1)).join('')).toBe('abcbc');
  expect(handled.items.at(-1)).toBe('c by 3');
});

const older = defineEvents({ 'note.added': payload<{ readonly text: string }>() });
const newer = {
  'note.added': defineEvent('note.added', {
    version: 2,
    schema: payload<{ readonly title: string }>(),
    upcast: { 1: (old) => ({ title: typeof old === 'object' && old !== null && 'text' in old ? old.text : '' }) },
  }),
  'note.pinned': defineEvent('note.pinned', { schema: payload<{ readonly title: string }>() }),
};

test('of two releases side by side each hears what it understands, and what the older one cannot handle waits for the newer', async () => {
  const name = freshName();
  const logger = createTestLogger();
  const old = await createRuntime({ name, events: older, logger });
  const atOld = gather<string>();
  old.on('note.*', ({ data }) => atOld.add(data.text));
  // Both know this handler; the older tab has it first.
  old.handle('note.*', 'index', ({ data }) => atOld.add(`handled ${data.text}`));
  await untilStatus(old.status, ({ handlers }) => handlers['index']?.isHere === true);

  const young = await createRuntime({ name, events: newer });
  onTestFinished(() => young.close());
  const [atYoung, handledByYoung] = [gather<string>(), gather<string>()];
  young.on('note.*', ({ data }) => atYoung.add(data.title));
  // And this one only the newer.
  young.handle('note.pinned', 'pin', ({ data }) => handledByYoung.add(`pinned ${data.title}`));

  await old.publish('note.added', { text: 'one' });
  await young.publish('note.added', { title: 'two' });
  await young.publish('note.pinned', { title: 'three' });
  await old.publish('note.added', { text: 'four' });

  expect(await atYoung.until(4)).toEqual(['one', 'two', 'three', 'four']);
  expect(await handledByYoung.until(1)).toEqual(['pinned three']);
  expect((await atOld.until(4)).toSorted()).toEqual(['four', 'handled four', 'handled one', 'one']);
  expect(old.status.get().counts.dropped).toEqual({ newer: 1, unknown: 1 });
  await old.close();
  young.handle('note.*', 'index', ({ data }) => handledByYoung.add(`indexed ${data.title}`));
  expect((await handledByYoung.until(3)).slice(1)).toEqual(['indexed two', 'indexed three']);
  expect(await young.tasks.count({ states: ['dead'] })).toBe(0);
});

test('a page beside a worker of another release, as a cache may have kept it, is told so', async () => {
  // Whatever it is asked, it answers with its version, as Comlink has it.
  const later = 'onmessage = ({ data }) => postMessage({ id: data.id, type: "RAW", value: 1000 })';
  await expect(open({ name: freshName(), worker: () => workerOf(later) })).rejects.toMatchObject({
    name: 'WorkerFailed',
    message: expect.stringContaining('they are of two releases'),
  });
});
