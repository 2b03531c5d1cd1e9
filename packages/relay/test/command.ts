// The real command for a test: a process of its own, started as `npm run relay` does.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A relay's process. */
export interface RelayProcess {
  readonly child: ChildProcess;
  /** What it has written so far. */
  readonly output: { stdout: string; stderr: string };
  /** Resolves with its URL once it says that it is ready; rejects when it ends before. */
  readonly ready: Promise<string>;
  /** Resolves with its exit code, or the signal that killed it. */
  readonly ended: Promise<number | string>;
}

/** Runs the command. It is killed with the test. */
export function runRelay(...args: readonly string[]): RelayProcess {
  return runRelayBehind('', ...args);
}

/** Runs the command in a process whose files may grow no larger than so many bytes: the rest is as on a full disk. */
export function runRelayWithin(fileBytesMax: number, ...args: readonly string[]): RelayProcess {
  // In blocks (POSIX, ulimit).
  const bound = `ulimit -f ${Math.floor(fileBytesMax / 512)} && exec "$@"`;
  return followed('sh', ['-c', bound, 'sh', process.execPath, ...commandOf(...args)]);
}

/** Runs the command in a process that has run some code of the test's own before. */
export function runRelayBehind(code: string, ...args: readonly string[]): RelayProcess {
  const before = code === '' ? [] : ['--import', `data:text/javascript,${encodeURIComponent(code)}`];
  return followed(process.execPath, [...before, ...commandOf(...args)]);
}

function commandOf(...args: readonly string[]): readonly string[] {
  return ['--conditions=@godwit/source', join(import.meta.dirname, '../src/node/main.ts'), ...args];
}

function followed(program: string, args: readonly string[]): RelayProcess {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  const ended = once(child, 'close').then(([code, signal]: (number | string)[]) => code ?? signal ?? '');
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  const ready = new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output.stdout += chunk.toString();
      const [, url] = /^godwit relay (\S+)\n/.exec(output.stdout) ?? [];
      if (url !== undefined) resolve(url);
    });
    void ended.then((code) => reject(new Error(`it ended with ${code}: ${output.stderr}`)));
  });
  // A test may never ask for it.
  ready.catch(() => undefined);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { child, output, ready, ended };
}
