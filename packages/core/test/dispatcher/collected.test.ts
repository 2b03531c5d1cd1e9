// Streams and the garbage collector, in Node, where a test can call it.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { withWaiting } from '../../src/dispatcher/await.ts';
import { createDispatcher } from '../../src/dispatcher/dispatcher.ts';
import { type Streams, withStreams } from '../../src/dispatcher/stream/stream.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Collects, and lets finalizers run, until `done`, or for a bounded number of turns: a collection takes a busy machine long. */
async function collectUntil(done: () => boolean, turns = 50): Promise<void> {
  for (let turn = 0; turn < turns && !done(); turn += 1) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function abandon(dispatcher: Streams<{ n: number }>): void {
  for (let index = 0; index < 10; index += 1) void dispatcher.events('n');
}

test('streams that nobody holds any more are collected, and stop hearing', async () => {
  const dispatcher = withStreams(createDispatcher<{ n: number }>());
  abandon(dispatcher);
  expect(dispatcher.counts().handlers).toHaveLength(10);
  await collectUntil(() => dispatcher.counts().handlers.length === 0);
  expect(dispatcher.hasHandlers('n')).toBe(false);
});

test('a stream that is being read is not closed by the garbage collector', async () => {
  const dispatcher = withStreams(withWaiting(createDispatcher<{ n: number }>()));
  const heard: number[] = [];
  void (async () => {
    for await (const { data } of dispatcher.events('n')) heard.push(data);
  })();
  void (async () => {
    for await (const { event } of dispatcher.events('n').acknowledged()) heard.push(event.data);
  })();
  await collectUntil(() => dispatcher.counts().handlers.length < 2, 10);
  await dispatcher.dispatchAndWait('n', 1);
  expect(heard).toEqual([1, 1]);
});
