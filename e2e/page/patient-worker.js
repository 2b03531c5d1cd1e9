// The shipped worker, but one that never comes to the end of a backoff of more than a second: only news ends such a wait.
// It tells of each, so that a test knows when there is nothing else left to wait for.
import '@godwit/client/worker';

const waiting = new BroadcastChannel('e2e:waiting');
const { setTimeout } = globalThis;
globalThis.setTimeout = (callback, ms, ...rest) => {
  // A backoff is drawn; what is round is somebody else's.
  const isBackoff = ms > 1000 && ms <= 30_000 && ms % 100 !== 0;
  if (isBackoff) waiting.postMessage(ms);
  return isBackoff ? 0 : setTimeout(callback, ms, ...rest);
};
