// Tells an object that the Worker which asked for a stream is gone.
import { RpcTarget } from 'cloudflare:workers';

/**
 * A stub that whoever reads a stream holds. It is disposed of by hand when the stream is cancelled, and by the platform
 * when the holder's request ends. A stream's own cancellation reaches its source over RPC only with the next write
 * (https://github.com/cloudflare/workerd/pull/7298), and an idle stream never writes.
 */
export class Lease extends RpcTarget {
  readonly #ended: () => void;

  constructor(ended: () => void) {
    super();
    this.#ended = ended;
  }

  /** The last holder has let go. */
  [Symbol.dispose](): void {
    this.#ended();
  }
}
