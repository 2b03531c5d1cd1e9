// What is said of a worker that cannot be had, or is no more.
import { Failure } from '@godwit/core';

/** A worker's failure, with what to do. */
export function workerFailed(why: string, cause?: unknown): Failure {
  return new Failure(
    'WorkerFailed',
    `the worker failed: ${why}. Is its file served beside the page's script? If a bundler moves it, hand in \`worker\`, ` +
      "a function that makes a module worker of '@godwit/client/worker' or a file that imports it at its top.",
    { cause },
  );
}
