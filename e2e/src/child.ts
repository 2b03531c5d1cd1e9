// A process of our own: started, heard, ended.
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Where the repository begins. */
export const root: string = fileURLToPath(new URL('../..', import.meta.url));

/** A process that runs. */
export interface Child {
  readonly pid: number;
  /** What it has written to stdout, by lines. */
  readonly lines: readonly string[];
  /** Resolves with the first line that matches; rejects when there is none to the end, of the process and of what it has started. */
  line(pattern: RegExp): Promise<string>;
  /** Sends the signal, and resolves with how the process ended; at once when it has. */
  end(signal: NodeJS.Signals): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

/** Starts a process from the repository's root. */
export function startChild(program: string, args: readonly string[]): Child {
  const child: ChildProcess = spawn(program, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    // The runner asks for colours; a line is easier to read for a test without.
    env: { ...process.env, FORCE_COLOR: '0' },
  });
  // A program that is not there is an end too.
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve()).once('error', () => resolve());
  });
  // Its last lines may come behind its end.
  const silent = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
  });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  if (child.stdout === null) throw new Error('the process has no stdout');
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    for (const look of waiting) look();
  });

  return {
    pid: child.pid ?? 0,
    lines,
    line: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = lines.find((line) => pattern.test(line));
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
        void silent.then(() => reject(new Error(`${program} ended without a line like ${pattern}`)));
      }),
    async end(signal) {
      child.kill(signal);
      await ended;
      return { code: child.exitCode, signal: child.signalCode };
    },
  };
}
