import { Failure } from '@godwit/core';
import { createTestLogger, gather, untilStatus } from '@godwit/core/testing';
import { expect, onTestFinished, test, vi } from 'vitest';
import {
  events,
  freshName,
  mortalWorkers,
  open,
  ownWorker,
  workerOf,
  workerThat,
  workerWithoutDatabase,
} from './test/tab.ts';
import { createRuntime } from './create-runtime.ts';

test('publishes of one tick travel to the worker as one message', async () => {
  const posted = vi.spyOn(Worker.prototype, 'postMessage');
  onTestFinished(() => posted.mockRestore());
  const alice = await open({ name: freshName() });
  posted.mockClear();
  await Promise.all(Array.from({ length: 100 }, (_, n) => alice.publish('note.added', { text: `${n}` })));
  expect(posted).toHaveBeenCalledTimes(1);
});

test('a worker whose file is missing is told of, with what to do', async () => {
  await expect(
    open({ name: freshName(), worker: () => new Worker('/no-such-worker.js', { type: 'module' }) }),
  ).rejects.toMatchObject({
    name: 'WorkerFailed',
    message: expect.stringContaining('hand in `worker`'),
  });
});

test('a worker that throws at its start is told of, with what it threw', async () => {
  await expect(
    open({ name: freshName(), worker: () => workerOf("throw new Error('born to fail')") }),
  ).rejects.toMatchObject({
    name: 'WorkerFailed',
    message: expect.stringContaining('born to fail'),
  });
});

test('a worker that cannot even be made is told of', async () => {
  const error = new DOMException('not from there', 'SecurityError');
  const refused = open({
    name: freshName(),
    worker() {
      throw error;
    },
  });
  await expect(refused).rejects.toMatchObject({
    name: 'WorkerFailed',
    message: expect.stringContaining('not from there'),
  });
});

test('a worker that never answers is given up, and told of', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const { made, worker } = mortalWorkers(() => workerOf('for (;;);'));
  const opened = createRuntime({ name: freshName(), events, worker }).then(
    () => 'opened',
    ({ name, message }: Failure) => `${name}: ${message}`,
  );
  // What it loads first has come when it waits for the hello.
  await vi.waitFor(() => expect(vi.getTimerCount()).toBeGreaterThan(0), { interval: 1, timeout: 20_000 });
  await vi.advanceTimersByTimeAsync(21_000);
  expect(await opened).toMatch(
    /^WorkerFailed: .*did not answer within 20 s when asked to say hello.* a file that imports it at its top/,
  );
  expect(made).toHaveLength(1);
  expect(vi.getTimerCount()).toBe(0);
});

test('a worker that hangs in use is given up and followed by another, and no call waits for ever', async () => {
  const { made, worker } = mortalWorkers(() =>
    workerThat('addEventListener("message", ({ data }) => { while (data === "hang"); });'),
  );
  const reports = gather<Failure>();
  const alice = await open({ name: freshName(), worker, logger: createTestLogger(), report: reports.add });
  await alice.publish('note.added', { text: 'alive' });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  made[0]?.postMessage('hang');
  let outcome = 'waits';
  void alice.publish('note.added', { text: 'perhaps' }).catch(({ name }: Failure) => (outcome = name));
  // A second of the page's timers for every look.
  const passes = async (check: () => void): Promise<void> => {
    await vi.advanceTimersByTimeAsync(1000);
    check();
  };
  await vi.waitFor(() => passes(() => expect(outcome).toBe('TimedOut')), { timeout: 20_000, interval: 10 });
  await vi.waitFor(() => passes(() => expect(reports.items).toHaveLength(1)), { timeout: 20_000, interval: 10 });
  vi.useRealTimers();
  expect(reports.items).toMatchObject([
    { name: 'WorkerFailed', message: expect.stringContaining('asked to say that it lives') },
  ]);
  await alice.publish('note.added', { text: 'again' });
  expect(made).toHaveLength(2);
});

test('a failure crosses from the worker whole: its name, what it says, its causes with their codes, and what failed beside it', async () => {
  const failing = `import { Failure } from '${new URL('../../../core/src/failure.ts', import.meta.url).href}';
    const { add } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.add = function (...args) {
      if (this.name !== 'log') return add.apply(this, args);
      throw new Failure('RateLimited', 'not so fast', {
        retryAfterMs: 500,
        failures: [{ name: 'TooLarge', message: 'one of them', path: 'text' }],
        cause: new Error('the disk', { cause: new DOMException('is worn', 'AbortError') }),
      });
    };`;
  const alice = await open({ name: freshName(), worker: () => workerThat(failing) });
  const failure: unknown = await alice.publish('note.added', { text: 'fly' }).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(Failure);
  expect(failure).toMatchObject({
    name: 'RateLimited',
    message: 'not so fast',
    details: { retryAfterMs: 500, failures: [{ name: 'TooLarge', message: 'one of them', path: 'text' }] },
    cause: { message: 'the disk', cause: { name: 'AbortError', message: 'is worn', code: 20 } },
  });
});

test('a worker that dies in use is followed by another: what waits is rejected, what comes is stored, and nothing is heard twice or not at all', async () => {
  const name = freshName();
  const { made, worker } = mortalWorkers();
  const [reports, atAlice] = [gather<Failure>(), gather<string>()];
  const alice = await open({ name, worker, logger: createTestLogger(), report: reports.add });
  const bob = await open({ name });
  alice.on('note.added', ({ data }) => atAlice.add(data.text));
  await alice.publish('note.added', { text: 'alive' });
  await atAlice.until(1);
  const waiting = alice.publish('note.added', { text: 'perhaps' }).then(
    () => 'stored',
    (error: Failure) => error.name,
  );
  made[0]?.terminate();
  // While nobody reads for alice.
  await bob.publish('note.added', { text: 'meanwhile' });
  expect(await reports.until(1)).toMatchObject([
    { name: 'WorkerFailed', message: expect.stringContaining('Another is started.') },
  ]);
  expect(['stored', 'WorkerFailed']).toContain(await waiting);
  await alice.publish('note.added', { text: 'again' });
  await vi.waitFor(() => expect(atAlice.items).toContain('again'), { timeout: 20_000 });
  const certain = atAlice.items.filter((text) => text !== 'perhaps');
  expect(certain).toEqual(['alive', 'meanwhile', 'again']);
  expect(made).toHaveLength(2);
  expect(alice.status.get()).toMatchObject({ connection: 'none', storage: 'indexeddb' });
});

test('whoever begins to listen once a worker has died hears nothing of what its tab was spared before', async () => {
  const name = freshName();
  const { made, worker } = mortalWorkers();
  const [reports, heard] = [gather<Failure>(), gather<string>()];
  const alice = await open({ name, worker, logger: createTestLogger(), report: reports.add });
  const bob = await open({ name });
  let told = 0;
  made[0]?.addEventListener('message', ({ data }) => {
    const [, position = 0] = /"kind":"passed","position":(\d+)/.exec(JSON.stringify(data)) ?? [];
    told = Math.max(told, Number(position));
  });
  await alice.publish('note.added', { text: 'own' });
  const { position } = await bob.publish('note.added', { text: "another tab's" });
  await vi.waitFor(() => expect(told).toBeGreaterThanOrEqual(position ?? Infinity), { timeout: 20_000 });
  made[0]?.terminate();
  await reports.until(1);
  alice.on('note.added', ({ data }) => heard.add(data.text));
  await alice.publish('note.added', { text: 'new' });
  await vi.waitFor(() => expect(heard.items).toContain('new'), { timeout: 20_000 });
  expect(heard.items).toEqual(['new']);
});

test('a worker that dies with tasks running: their signals abort, another tab or the next worker handles the event', async () => {
  const name = freshName();
  const { made, worker } = mortalWorkers();
  const [begun, reasons, handled] = [gather<string>(), gather<unknown>(), gather<number>()];
  const alice = await open({ name, logger: createTestLogger(), worker });
  alice.handle('note.added', 'index', ({ data }, { signal, attempt }) => {
    begun.add(data.text);
    if (attempt > 1) return handled.add(attempt);
    signal.addEventListener('abort', () => reasons.add(signal.reason));
    return new Promise(() => undefined);
  });
  await alice.publish('note.added', { text: 'fly' });
  await begun.until(1);
  made[0]?.terminate();
  expect(await reasons.until(1)).toMatchObject([{ name: 'Fenced' }]);
  expect(await handled.until(1)).toEqual([2]);
  expect(alice.tasks.state).toBe('running');
  await untilStatus(alice.status, ({ handlers }) => handlers['index']?.totals.handled === 1);
});

test('whoever reads the history, or defines a handler, while a worker is followed by another, does not notice', async () => {
  const { made, worker } = mortalWorkers();
  const reports = gather<Failure>();
  const alice = await open({ name: freshName(), logger: createTestLogger(), worker, report: reports.add });
  alice.handle('note.added', 'count', () => undefined);
  await alice.publish('note.added', { text: 'first' });
  const reading = alice.events('note.added');
  expect(await reading.next()).toMatchObject({ value: { data: { text: 'first' } } });
  made[0]?.terminate();
  const handled = gather<string>();
  alice.handle('note.added', 'index', ({ data }) => handled.add(data.text), { from: 'earliest' });
  const next = reading.next();
  await reports.until(1);
  await alice.publish('note.added', { text: 'second' });
  expect(await next).toMatchObject({ value: { data: { text: 'second' } } });
  expect(await handled.until(2)).toEqual(['first', 'second']);
  // The worker's end is told of, once.
  expect(reports.items.map(({ name }) => name)).toEqual(['WorkerFailed']);
});

test('pauses outlive the worker', async () => {
  const { made, worker } = mortalWorkers();
  const reports = gather<Failure>();
  const options = { name: freshName(), relay: '/nowhere', logger: createTestLogger(), worker, report: reports.add };
  const alice = await open(options);
  alice.handle('note.added', 'index', () => undefined);
  alice.pause();
  alice.tasks.pause();
  await untilStatus(alice.status, ({ connection, tasks }) => connection === 'paused' && tasks === 'paused');
  made[0]?.terminate();
  await reports.until(1);
  await alice.publish('note.added', { text: 'again' });
  await untilStatus(alice.status, ({ connection, tasks }) => connection === 'paused' && tasks === 'paused');
});

test('a pause that the worker did not live to hear is told to the next one, and nothing runs in between', async () => {
  const { made, worker } = mortalWorkers();
  const [reports, handled] = [gather<Failure>(), gather<string>()];
  const options = { name: freshName(), relay: '/nowhere', logger: createTestLogger(), worker, report: reports.add };
  const alice = await open(options);
  alice.handle('note.added', 'index', ({ data }) => handled.add(data.text));
  await alice.publish('note.added', { text: 'before' });
  await untilStatus(alice.status, ({ handlers }) => handlers['index']?.totals.handled === 1);
  alice.pause();
  alice.tasks.pause();
  made[0]?.terminate();
  await reports.until(1);
  await alice.publish('note.added', { text: 'while paused' });
  await untilStatus(alice.status, ({ connection, tasks }) => connection === 'paused' && tasks === 'paused');
  expect(handled.items).toEqual(['before']);
  alice.tasks.resume();
  expect(await handled.until(2)).toEqual(['before', 'while paused']);
  expect(reports.items.map(({ name }) => name)).toEqual(['WorkerFailed']);
});

test('a worker that dies again and again is given up: the tab says so, and every call is refused by name', async () => {
  const { made, worker } = mortalWorkers();
  const reports = gather<Failure>();
  const alice = await open({ name: freshName(), worker, logger: createTestLogger(), report: reports.add });
  for (let deaths = 1; deaths <= 4; deaths += 1) {
    await alice.publish('note.added', { text: 'alive' });
    made.at(-1)?.terminate();
    await reports.until(deaths);
  }
  expect(made).toHaveLength(4);
  expect(alice.status.get()).toMatchObject({ connection: 'closed', tasks: 'stopped' });
  await expect(alice.publish('note.added', { text: 'too late' })).rejects.toMatchObject({ name: 'WorkerFailed' });
  await alice.close();
});

test('a worker whose log was in memory takes it along, and the tab says so', async () => {
  const { made, worker } = mortalWorkers(workerWithoutDatabase);
  const reports = gather<Failure>();
  const alice = await open({ name: freshName(), worker, logger: createTestLogger(), report: reports.add });
  await reports.until(1);
  await alice.publish('note.added', { text: 'for now' });
  made[0]?.terminate();
  expect((await reports.until(2))[1]).toMatchObject({ name: 'WorkerFailed' });
  expect(alice.status.get().connection).toBe('closed');
  await expect(alice.publish('note.added', { text: 'too late' })).rejects.toMatchObject({ name: 'WorkerFailed' });
});

test('a page that is busy for 5 s loses nothing of what its worker publishes meanwhile', async () => {
  const alice = await open({ name: freshName(), worker: ownWorker });
  const heard = gather<string>();
  alice.on('note.indexed', ({ data }) => heard.add(data.text));
  const texts = Array.from({ length: 1000 }, (_, n) => `${n}`);
  await Promise.all(texts.map((text) => alice.publish('note.added', { text })));
  const until = performance.now() + 5000;
  while (performance.now() < until);
  expect(await heard.until(texts.length)).toEqual(texts);
});

test('a thousand events of another tab come in a few messages', async () => {
  const name = freshName();
  const { made, worker } = mortalWorkers();
  const [alice, bob] = [await open({ name }), await open({ name, worker })];
  const heard = gather<string>();
  bob.on('note.added', ({ data }) => heard.add(data.text));
  let messages = 0;
  made[0]?.addEventListener('message', () => void (messages += 1));
  const texts = Array.from({ length: 1000 }, (_, n) => `${n}`);
  await Promise.all(texts.map((text) => alice.publish('note.added', { text })));
  expect(await heard.until(texts.length)).toEqual(texts);
  // Batches of at most 512 events, and what is told of how things stand.
  expect(messages).toBeLessThan(50);
});
