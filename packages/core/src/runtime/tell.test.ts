import { expect, test } from 'vitest';
import type { Failure } from '../failure.ts';
import { createHandlers } from './handlers.ts';
import { tell } from './tell.ts';

test.each([
  [
    'throws',
    () => {
      throw new Error('mine');
    },
  ],
  ['rejects later', () => Promise.reject(new Error('mine'))],
])('an onGap that %s is reported, and the others are told', async (_, onGap: () => unknown) => {
  const reports: Failure[] = [];
  const told: unknown[] = [];
  const nothing = (): void => undefined;
  const handlers = createHandlers({
    definitions: new Map(),
    channels: new Set(['board']),
    tally: {
      published: nothing,
      refused: nothing,
      delivered: nothing,
      failed: nothing,
      dropped: nothing,
      gap: nothing,
    },
    report: (failure) => reports.push(failure),
  });
  handlers.on('*', nothing, { onGap });
  handlers.on('*', nothing, { onGap: (gap) => void told.push(gap) });
  handlers.on('*', nothing, { channel: 'board' });
  handlers.dispatch({ kind: 'gap', position: 1, channel: 'board', gap: { missed: 2, reason: 'retention' } });
  await Promise.resolve();
  await Promise.resolve();
  expect(told).toEqual([{ channel: 'board', missed: 2, reason: 'retention' }]);
  expect(reports).toMatchObject([{ name: 'HandlerFailed', message: 'onGap for "board" failed: mine' }]);
});

test('a listener is called at once, and whoever tells it does not wait', () => {
  const heard: string[] = [];
  void tell(
    'it',
    () => heard.push('heard'),
    (failure) => heard.push(failure.message),
  );
  expect(heard).toEqual(['heard']);
});
