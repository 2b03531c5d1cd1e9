// One socket: frames go out as its connection takes them, publishes come in and are answered in their order.
import { Failure, toFailure, type World } from '@godwit/core';
import type { AppendItem } from '@godwit/core/feed';
import type { AppendResult, Limits } from '@godwit/core/protocol';
import { itemsOf } from '../../content.ts';
import { isOurFault } from '../../problem.ts';
import type { AttachReading, Reading } from '../attach.ts';
import {
  failureMessage,
  isMessage,
  pongMessage,
  readMessage,
  refOf,
  resultsMessage,
  type Ref,
  type Transcode,
} from './messages.ts';

/** A platform's connection, as a session writes to it. */
export interface SocketPort {
  /** Sends a text message. Answers whether more are welcome now; when not, `drained` tells that they are again. */
  send(text: string): boolean;
  /** Ends it, behind what was sent. */
  close(code: number, reason: string): void;
}

/** A session, as the platform tells it what happens. */
export interface SocketSession {
  /** A message has come; undefined is one that is not text. */
  message(text: string | undefined): void;
  drained(): void;
  /** The connection is no more. Resolves once what came before is done, which nobody hears of any longer. */
  gone(): Promise<void>;
}

/** Opens a session on a connection that has just been accepted. */
export type OpenSession = (port: SocketPort) => SocketSession;

/** Why a connection ends (RFC 6455, section 7.4; from 4000 on they are an application's own). */
export const closeCodes = {
  /** What came was not text. */
  notText: 1003,
  /** It takes nothing, and asks for more; or ephemeral events were too many for it, and it wanted to be told so. */
  tooSlow: 1008,
  tooLarge: 1009,
  /** The channel could not be read: come back. */
  failed: 1011,
  /** The relay goes away: come back. */
  restart: 1012,
  /** Its token has ended: come back with a new one. */
  expired: 4401,
} as const;

/** What may wait for its commit on one socket, in UTF-16 units of messages: some of the largest batches. */
const waitingSizeMax = 4 * 1024 * 1024;
/** What a message costs beside its text, about. */
const messageSize = 256;

/** What a session is made of. */
export interface SessionParts {
  readonly attach: AttachReading;
  readonly transcode: Transcode;
  /** Appends, once it has been seen that this socket may. */
  readonly publish: (items: readonly AppendItem[]) => Promise<readonly AppendResult[]>;
  readonly limits: Pick<Limits, 'eventBytesMax' | 'batchEventsMax' | 'batchBytesMax'>;
  readonly world: Pick<World, 'now'>;
  /** When its token ends, in wall-clock milliseconds. */
  readonly until: number | undefined;
  readonly report: (failure: Failure) => void;
}

/** Makes what opens a session. */
export function sessionOf(parts: SessionParts): OpenSession {
  const { attach, transcode, publish, limits, world, until, report } = parts;
  return (port) => {
    let isWelcome = true;
    let isOver = false;
    let wake: (() => void) | undefined;
    let waitingSize = 0;
    let answered: Promise<void> = Promise.resolve();
    let closing: { readonly code: number; readonly reason: string } | undefined;
    const reading: Reading = attach({
      send(frames) {
        for (const text of transcode(frames)) {
          closing = closingBy(text);
          send(text);
        }
        return isWelcome;
      },
      close() {
        const { code, reason } = closing ?? { code: closeCodes.failed, reason: 'the channel could not be read' };
        // What was taken in is answered first.
        void answered.then(() => end(code, reason));
      },
    });

    return {
      message(text) {
        if (isOver) return;
        if (text === undefined) return end(closeCodes.notText, 'messages are text');
        // A platform that knows the bound refuses it before it is held.
        if (text.length > limits.batchBytesMax) return end(closeCodes.tooLarge, tooLarge(limits.batchBytesMax));
        try {
          take(text);
        } catch (error) {
          reply(failureMessage(refOf(text), error));
        }
      },
      drained() {
        isWelcome = true;
        wake?.();
        reading.resume();
      },
      gone() {
        isOver = true;
        wake?.();
        reading.detach();
        return answered;
      },
    };

    function take(text: string): void {
      const message = readMessage(text);
      const { ref } = message;
      if (message.event === 'ping') return reply(pongMessage(ref));
      const size = text.length + messageSize;
      if (waitingSize > 0 && waitingSize + size > waitingSizeMax) {
        const why = 'more waits on this socket than it may; send the next when earlier ones have their results';
        throw new Failure('RateLimited', why, { retryAfterMs: 0 });
      }
      const items = itemsOf(message.events, limits);
      waitingSize += size;
      // One by one: their order is that of the messages, wherever the channel is.
      answered = answered.then(() => answer(ref, items, size));
    }

    async function answer(ref: Ref | undefined, items: readonly AppendItem[], size: number): Promise<void> {
      let text: string;
      try {
        text = resultsMessage(ref, await publish(items));
      } catch (error) {
        const failure = toFailure(error);
        if (isOurFault(failure)) report(failure);
        text = failureMessage(ref, failure);
      }
      waitingSize -= size;
      // A client that takes no answers is not asked for more of them.
      await welcome();
      send(text);
    }

    function welcome(): Promise<void> {
      return isWelcome || isOver ? Promise.resolve() : new Promise((resolve) => (wake = resolve));
    }

    /** For what a client may ask for without end: one that does not take the answers is not to pile them up. */
    function reply(text: string): void {
      if (isWelcome) send(text);
      else end(closeCodes.tooSlow, 'this socket takes no answers');
    }

    function send(text: string): void {
      if (!isOver) isWelcome = port.send(text);
    }

    function end(code: number, reason: string): void {
      if (isOver) return;
      isOver = true;
      wake?.();
      reading.detach();
      port.close(code, reason);
    }
  };

  function closingBy(text: string): { readonly code: number; readonly reason: string } | undefined {
    // Told to one that goes on, too: what it ends with is what counts.
    if (isMessage(text, 'dropped')) return { code: closeCodes.tooSlow, reason: 'too slow for ephemeral events' };
    if (!isMessage(text, 'drain')) return undefined;
    const isExpired = until !== undefined && world.now() >= until;
    return isExpired
      ? { code: closeCodes.expired, reason: 'the token has expired; come back with a new one' }
      : { code: closeCodes.restart, reason: 'the relay goes away; come back' };
  }
}

/** Why a message is refused. */
export function tooLarge(bytesMax: number): string {
  return `a message has at most ${bytesMax} bytes`;
}
