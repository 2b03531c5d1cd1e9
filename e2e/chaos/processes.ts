// Programs of our own, each with whatever it starts: ended as one, also when the run itself is ended.
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { root } from '../src/child.ts';

/** A program and all that it has started. */
export interface Program {
  /** Resolves with the first line, of either stream, that matches; rejects when there is none to its end, with its last words. */
  line(pattern: RegExp): Promise<string>;
  /** To all of it at once. */
  signal(signal: NodeJS.Signals): void;
  /** Sends the signal, and resolves when the program has ended. */
  end(signal: NodeJS.Signals): Promise<void>;
  /** Resolves when it has ended, however that was. */
  readonly ended: Promise<void>;
}

/** How many of a program's last lines are kept, for who asks why it ended. */
const lastLinesMax = 20;

const running = new Set<ChildProcess>();
// A run that is ended from outside leaves nothing behind.
process.once('exit', () => {
  for (const child of running) signalAll(child, 'SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

/** Starts a program from the repository's root, as the leader of a group of its own. */
export function startProgram(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Program {
  const child = spawn(command, args, {
    cwd: root,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, FORCE_COLOR: '0', ...env },
  });
  running.add(child);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve()).once('error', () => resolve());
  }).then(() => void running.delete(child));
  // Its last words may come behind its end.
  const silent = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
  });
  const lines: string[] = [];
  const watchers = new Set<(line: string) => void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      if (lines.length > lastLinesMax) lines.shift();
      for (const watch of watchers) watch(line);
    });
  }

  return {
    ended,
    line: (pattern) =>
      new Promise((resolve, reject) => {
        const watch = (line: string): void => {
          if (!pattern.test(line)) return;
          watchers.delete(watch);
          resolve(line);
        };
        watchers.add(watch);
        for (const line of lines) watch(line);
        void silent.then(() => reject(new Error(`${command} ended before ${pattern}:\n${lines.join('\n')}`)));
      }),
    signal: (signal) => signalAll(child, signal),
    async end(signal) {
      signalAll(child, signal);
      await ended;
      // Whatever it had started, and left.
      signalAll(child, 'SIGKILL');
    },
  };
}

function signalAll({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended, with all of its own.
  }
}
