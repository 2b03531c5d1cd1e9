import { Failure } from '@godwit/core';
import { expect, onTestFinished, test, vi } from 'vitest';
import { stderrLogger } from './log.ts';

test('each line is JSON: when, how grave, what, whatever is known beside it, and of a failure its name and its stack', () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  onTestFinished(() => write.mockRestore());
  stderrLogger.warn('the key is short', { bytes: 7 });
  stderrLogger.error('the disk is full', {
    failure: new Failure('StorageFailed', 'the disk is full', { retryAfterMs: 1000 }),
  });
  const lines: unknown[] = write.mock.calls.map(([line]) => JSON.parse(String(line)));
  const at: unknown = expect.stringMatching(/^\d{4}-.*Z$/);
  expect(lines).toEqual([
    { at, level: 'warn', message: 'the key is short', bytes: 7 },
    {
      at,
      level: 'error',
      name: 'StorageFailed',
      message: 'the disk is full',
      retryAfterMs: 1000,
      stack: expect.any(String),
    },
  ]);
  for (const [line] of write.mock.calls) expect(String(line)).toMatch(/^[^\n]*\n$/);
});
