// For the contract: a client's end of a socket, and its messages one by one.

/** A message, parsed. */
export type SeenMessage = Readonly<Record<string, unknown>> & { readonly data?: Readonly<Record<string, unknown>> };

/** How a socket ended. */
export interface SeenEnd {
  readonly code: number;
  readonly reason: string;
}

/** A client's socket, as each platform has it. */
export interface RawSocket {
  /** What the relay chose of the protocols offered; empty for none. */
  readonly protocol: string;
  send(data: string | Uint8Array): void;
  close(code?: number): void;
  listen(listeners: { message(text: string): void; end(end: SeenEnd): void }): void;
}

/** What comes of a handshake: a socket, or an answer. */
export type Shaken = { readonly socket: RawSocket } | { readonly response: Response };

/** A client's socket with its messages in order. */
export interface SocketReader {
  readonly protocol: string;
  say(message: unknown): void;
  send(data: string | Uint8Array): void;
  /** The next message that is not a heartbeat; undefined at the end. */
  next(): Promise<SeenMessage | undefined>;
  /** The next of this kind; others before it are passed over. */
  message(kind: string): Promise<SeenMessage>;
  /** The ids of the next `count` events. */
  ids(count: number): Promise<readonly unknown[]>;
  events(count: number): Promise<readonly SeenMessage[]>;
  readonly ended: Promise<SeenEnd>;
  close(code?: number): void;
}

/** Reads a socket. */
export function readSocket(socket: RawSocket): SocketReader {
  const seen: (SeenMessage | undefined)[] = [];
  let wake: (() => void) | undefined;
  const push = (message: SeenMessage | undefined): void => {
    seen.push(message);
    wake?.();
  };
  const ended = new Promise<SeenEnd>((resolve) => {
    socket.listen({
      message: (text) => push(parse(text)),
      end(end) {
        push(undefined);
        resolve(end);
      },
    });
  });

  async function any(): Promise<SeenMessage | undefined> {
    while (seen.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    // The end stays the end.
    return seen[0] === undefined ? undefined : seen.shift();
  }
  async function some(fits: (message: SeenMessage) => boolean): Promise<SeenMessage> {
    for (;;) {
      const message = await any();
      if (message === undefined) throw new Error(`the socket has ended: ${JSON.stringify(await ended)}`);
      if (fits(message)) return message;
    }
  }
  async function events(count: number): Promise<readonly SeenMessage[]> {
    const found: SeenMessage[] = [];
    while (found.length < count) found.push(await some(({ event }) => event === undefined));
    return found;
  }

  return {
    protocol: socket.protocol,
    say: (message) => socket.send(JSON.stringify(message)),
    send: (data) => socket.send(data),
    async next() {
      let message = await any();
      while (message?.['event'] === 'heartbeat') message = await any();
      return message;
    },
    message: (kind) => some(({ event }) => event === kind),
    events,
    ids: async (count) => (await events(count)).map(({ data }) => data?.['id']),
    ended,
    close: (code) => socket.close(code),
  };
}

function parse(text: string): SeenMessage {
  const message: unknown = JSON.parse(text);
  if (typeof message === 'object' && message !== null && !Array.isArray(message)) return { ...message };
  throw new Error(`not a message: ${text}`);
}
