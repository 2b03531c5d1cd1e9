// Processes of their own for the tests on Node: what they say line by line, and how they end.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** A process that runs `child.ts`. */
export interface TestProcess {
  /** Resolves with the first line that begins so, also if it was said before; rejects when it ends without. */
  said(beginning: string): Promise<string>;
  /** All that it has said. Complete once it has ended. */
  readonly lines: readonly string[];
  /** Ends it at once, as a crash does, and waits until it is gone and everything that it said is here. */
  kill(): Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** Its exit code; null where a signal ended it. */
  readonly ended: Promise<number | null>;
}

const program = fileURLToPath(new URL('child.ts', import.meta.url));

/** Starts it; it is gone with the test. */
export function startProcess(args: readonly string[], options: { readonly uid?: number } = {}): TestProcess {
  const child = spawn(process.execPath, ['--conditions=@godwit/source', program, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    ...options,
  });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  let hasEnded = false;
  createInterface(child.stdout).on('line', (line) => {
    lines.push(line);
    for (const look of waiting) look();
  });
  // Behind the last line, not only behind the exit.
  const ended = once(child, 'close').then(([code]: unknown[]) => {
    hasEnded = true;
    for (const look of waiting) look();
    return typeof code === 'number' ? code : null;
  });
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  onTestFinished(kill);
  return {
    lines,
    ended,
    kill,
    signal: (name) => void child.kill(name),
    said: (beginning) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const line = lines.find((each) => each.startsWith(beginning));
          if (line === undefined && !hasEnded) return;
          waiting.delete(look);
          if (line === undefined) reject(new Error(`it ended, and never said "${beginning}": ${lines.join(' | ')}`));
          else resolve(line);
        };
        waiting.add(look);
        look();
      }),
  };
}
