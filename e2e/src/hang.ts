// Hangs of a worker, which begin when the test says so: one that ends when the test says so, too, and one that never ends.
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page, Worker } from '@playwright/test';

/** Hangs workers. */
export interface Hangs {
  /** Lets the page's worker wait for an answer, and do nothing else meanwhile. Resolves when it hangs. */
  hang(page: Page): Promise<void>;
  /** Lets the page's worker go round in a loop, for ever. Resolves when it hangs. */
  loop(page: Page): Promise<void>;
  /**
   * The page's worker will go round for ever within the next transaction that writes a durable handler's record, and before
   * that transaction can end. Resolves when that is arranged, with what resolves when it has come to pass.
   */
  loopInTransaction(page: Page): Promise<{ readonly hangs: Promise<unknown> }>;
  /** The page's worker will go round for ever when its log next answers something that it has read there. */
  loopInReading(page: Page): Promise<{ readonly hangs: Promise<unknown> }>;
  /** The page's worker will go round for ever when it next has something to tell the other tabs: that its log grew. */
  loopBeforeTelling(page: Page): Promise<{ readonly hangs: Promise<unknown> }>;
  /** Whoever waits goes on. */
  end(): void;
  close(): Promise<void>;
}

/** Starts what workers wait for. */
export async function startHangs(): Promise<Hangs> {
  const held = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    response.setHeader('access-control-allow-origin', '*');
    if (request.url === '/loop') response.end();
    else held.add(response);
    server.emit('asked');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    hang: (page) => ask(page, 'hang'),
    loop: (page) => ask(page, 'loop'),
    loopInTransaction: (page) =>
      arrange(page, (url) => {
        const real: (this: IDBObjectStore, ...args: never[]) => IDBRequest = IDBObjectStore.prototype.put;
        IDBObjectStore.prototype.put = function put(this: IDBObjectStore, ...args: readonly unknown[]) {
          const made = Reflect.apply(real, this, args);
          if (this.name !== 'handlers') return made;
          const request = new XMLHttpRequest();
          request.open('GET', url, false);
          request.send();
          for (;;);
        };
      }),
    loopInReading: (page) =>
      arrange(page, (url) => {
        const { transaction } = IDBDatabase.prototype;
        const goRound = (): never => {
          const request = new XMLHttpRequest();
          request.open('GET', url, false);
          request.send();
          for (;;);
        };
        IDBDatabase.prototype.transaction = function begin(this: IDBDatabase, ...args) {
          const begun = transaction.apply(this, args);
          if (begun.mode !== 'readonly' || !begun.objectStoreNames.contains('log')) return begun;
          begun.addEventListener('success', goRound, { capture: true });
          return begun;
        };
      }),
    loopBeforeTelling: (page) =>
      arrange(page, (url) => {
        const { postMessage } = BroadcastChannel.prototype;
        BroadcastChannel.prototype.postMessage = function tell(this: BroadcastChannel, said) {
          if (said.message.kind !== 'grew') return postMessage.call(this, said);
          const request = new XMLHttpRequest();
          request.open('GET', url, false);
          request.send();
          for (;;);
        };
      }),
    end,
    async close() {
      end();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  /** Has the page's worker changed so that it will ask, and then go round. */
  async function arrange(page: Page, change: (url: string) => void): Promise<{ readonly hangs: Promise<unknown> }> {
    const asked = once(server, 'asked');
    await workerOf(page).evaluate(change, `http://127.0.0.1:${port}/loop`);
    return { hangs: asked };
  }

  /** A worker that has asked does nothing before it has its answer, and nothing more at all where that sends it round. */
  async function ask(page: Page, how: 'hang' | 'loop'): Promise<void> {
    const asked = once(server, 'asked');
    workerOf(page)
      .evaluate((url) => {
        const request = new XMLHttpRequest();
        request.open('GET', url, false);
        request.send();
        while (url.endsWith('/loop'));
      }, `http://127.0.0.1:${port}/${how}`)
      // Answered once the hang is over; the test may be, too.
      .catch(() => undefined);
    await asked;
  }

  function end(): void {
    for (const response of held) response.end();
    held.clear();
  }
}

/** The worker that a page's runtime lives in. */
export function workerOf(page: Page): Worker {
  const [worker] = page.workers();
  if (worker === undefined) throw new Error('the page has no worker');
  return worker;
}
