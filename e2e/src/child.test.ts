import { expect, test } from 'vitest';
import { startChild } from './child.ts';

test('the last line of a process is heard, also where whoever waits for it was held up until that had ended', async () => {
  const held = new Int32Array(new SharedArrayBuffer(4));
  for (let round = 0; round < 20; round += 1) {
    const line = startChild('sh', ['-c', 'echo first; echo last']).line(/^last$/);
    // All of this process stands still.
    Atomics.wait(held, 0, 0, 50);
    expect(await line).toBe('last');
  }
});

test('whoever waits for a line that never comes is told once the process has ended, or where there is none', async () => {
  const child = startChild('sh', ['-c', 'echo first; echo last']);
  await expect(child.line(/^never$/)).rejects.toThrow('sh ended without a line like /^never$/');
  expect(child.lines).toEqual(['first', 'last']);
  await expect(startChild('/nowhere/program', []).line(/./)).rejects.toThrow('/nowhere/program ended');
});
