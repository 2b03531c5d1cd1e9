// Follows a stream through whatever happens to NATS: each message once, in order, and from where it was left.
import { isFailure, type Stop, type World } from '@godwit/core';
import { codeOf, codes } from './failures.ts';
import type { NatsLink } from './link.ts';
import { openReader } from './reader.ts';
import type { StoredMessage } from './stream.ts';

/** Before another try, in milliseconds, twice as long after each that failed, up to the second; and half of it again by chance. */
const [againMs, againMaxMs] = [100, 4000];

/** What is followed, and by whom. */
export interface Following {
  readonly stream: string;
  readonly from: number;
  readonly hears: (message: StoredMessage) => void;
  /** The stream is gone, or is another one of the same name. */
  readonly gone: () => void;
}

/** Follows a stream until it is stopped, or the stream is gone. */
export function followStream(link: NatsLink, { stream, from, hears, gone }: Following, world: World): Stop {
  let next = from;
  /** When the stream was made: one that was made anew begins anew. */
  let made: string | undefined;
  let failures = 0;
  let isStopped = false;
  /** Which try it is: what an earlier one still says is not heard. */
  let round = 0;
  let isReading = false;
  let reader: { readonly stop: Stop } | undefined;
  let stopWaiting: Stop | undefined;

  const leave = (): void => {
    round += 1;
    isReading = false;
    stopWaiting?.();
    reader?.stop();
    reader = undefined;
  };
  const stop = (): void => {
    isStopped = true;
    stopLosses();
    stopReturns();
    leave();
  };
  const again = (): void => {
    leave();
    const ms = Math.min(againMaxMs, againMs * 2 ** failures);
    failures += 1;
    stopWaiting = world.after(Math.ceil(ms * (1 + world.random() / 2)), () => void begin());
  };
  const over = (): void => {
    stop();
    gone();
  };
  const begin = async (): Promise<void> => {
    leave();
    const its = round;
    const isMine = (): boolean => its === round && !isStopped;
    isReading = true;
    try {
      const { created, state } = await link.ask(() => link.streams.info(stream));
      if (!isMine()) return;
      if (made !== undefined && made !== created) return over();
      // Of a cluster one server may have lost some, while the connection is to another.
      if (made !== undefined && state.last_seq < next - 1) link.lost();
      // Whoever heard of that may have stopped.
      if (!isMine()) return;
      made = created;
      const opened = await openReader(
        link,
        { stream, from: next, headsOnly: false },
        {
          message(message) {
            // A host that has lost messages gives their numbers again.
            if (!isMine() || message.number < next) return;
            next = message.number + 1;
            failures = 0;
            hears(message);
          },
          broken() {
            if (isMine()) again();
          },
        },
        world,
      );
      if (isMine()) reader = opened;
      else opened.stop();
    } catch (error) {
      if (!isMine() || isFailure(error, 'Closed')) return;
      if (codeOf(error) === codes.streamNotFound) over();
      else again();
    }
  };
  const stopLosses = link.onLoss(leave);
  const stopReturns = link.onReturn(() => {
    if (!isReading) void begin();
  });
  void begin();
  return stop;
}
