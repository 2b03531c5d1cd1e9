// What nobody waits for keeps no process of Node's from ending.
import { expect, test } from 'vitest';
import { createDispatcher } from '../../src/dispatcher/dispatcher.ts';
import { idempotent } from '../../src/dispatcher/wrap/idempotent.ts';

/** Timers that the process waits for before it ends. */
function timers(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
}

test('that keys are to be forgotten in an hour keeps no process alive', () => {
  const before = timers();
  const dispatcher = createDispatcher<{ n: number }>();
  const heard: number[] = [];
  dispatcher.on(
    'n',
    idempotent((n: number) => heard.push(n), { key: (n) => n }),
    { concurrency: 3 },
  );
  for (const n of [1, 2, 1]) dispatcher.dispatch('n', n);
  expect(heard).toEqual([1, 2]);
  expect(timers()).toBe(before);
});
