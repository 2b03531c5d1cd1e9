import { Failure } from '@godwit/core';
import { expect, onTestFinished, test, vi } from 'vitest';
import { stderrLogger } from './log.ts';

test('each line is JSON: when, how grave, what, whatever is known beside it, and of a failure its name, and its stack where nobody had planned for it', () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  onTestFinished(() => write.mockRestore());
  stderrLogger.warn('the key is short', { bytes: 7 });
  stderrLogger.error('the disk is full', {
    failure: new Failure('StorageFailed', 'the disk is full', { retryAfterMs: 1000 }),
  });
  stderrLogger.error('x is no function', { failure: new Failure('Internal', 'x is no function') });
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
    },
    { at, level: 'error', name: 'Internal', message: 'x is no function', stack: expect.any(String) },
  ]);
  for (const [line] of write.mock.calls) expect(String(line)).toMatch(/^[^\n]*\n$/);
});
