// Programs of others that a test drives: they lie where Debian puts them, and say when they are there.
import { spawn, type ChildProcess } from 'node:child_process';

/** A program that has been started. */
export interface Program {
  readonly child: ChildProcess;
  /** Resolves once it has said that it is there; rejects with what it said instead, where it ends before. */
  readonly ready: Promise<void>;
}

/** Starts it. `isReady` is asked of all that it has said on stderr. */
export function startProgram(name: string, args: readonly string[], isReady: (said: string) => boolean): Program {
  // Debian keeps servers where only root looks.
  const path = `${process.env['PATH'] ?? ''}:/usr/sbin`;
  const child = spawn(name, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, PATH: path } });
  let said = '';
  const ready = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}: ${said}`)));
    child.stderr.on('data', (chunk: Buffer) => {
      // All is read, and the beginning kept: a pipe that is full would stop it.
      if (said.length < 100_000) said += chunk.toString();
      if (isReady(said)) resolve();
    });
  });
  return { child, ready };
}
