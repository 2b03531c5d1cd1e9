// The worker that ships with this package. It stands beside worker.ts, as the built files stand beside each other.

/** Makes the worker, where the page's bundler, or none, finds its file by itself. */
export function createDefaultWorker(): Worker {
  // One expression: bundlers look for exactly this.
  return new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'godwit' });
}
