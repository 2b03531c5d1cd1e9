// The relay's disk in a simulated world: real logs, at each append of which something may go wrong; a killed relay writes no more.
import { Failure } from '../../failure.ts';
import type { Log, Logs } from '../../ports/log.ts';
import { passed, type CallParts } from './store.ts';

/** The longest that the relay's disk dawdles, in milliseconds. */
const slowMsMax = 5000;

const kinds = ['relay.log-fails', 'relay.log-answer-lost', 'relay.log-slow'] as const;

/** What one append came to. */
export interface AppendCounts {
  readonly published: number;
  readonly duplicates: number;
  readonly refused: number;
}

/** Wraps the logs of one run of a relay. `opened` hears of each log before anybody uses it; `trimmed` of what went. */
export function createSimLogs(
  inner: Logs,
  parts: CallParts & {
    readonly opened?: (channel: string, log: Log) => Promise<void>;
    readonly trimmed?: (channel: string, events: number) => void;
    readonly appended?: (channel: string, counts: AppendCounts) => void;
  },
): Logs {
  const { life, faults, dice, base, opened, trimmed, appended } = parts;

  return {
    async open(channel) {
      if (life.isDead()) return life.never();
      // A log of its own: the one that is handed out may be closed before the channel ends.
      if (opened !== undefined) await opened(channel, await inner.open(channel));
      return wrap(channel, await inner.open(channel));
    },
    channels: () => inner.channels(),
    // What a killed relay still waited for to end must not take the channel from the relay that runs now.
    remove: (channel) => (life.isDead() ? life.never() : inner.remove(channel)),
    // What is stored outlives a relay: whoever made the logs closes them.
    close: () => inner.close(),
  } satisfies Logs;

  function wrap(channel: string, log: Log): Log {
    return {
      append: (events, refused) =>
        faulty(async () => {
          const outcomes = await log.append(events, refused);
          const published = outcomes.filter(({ status }) => status === 'appended').length;
          appended?.(channel, { published, duplicates: outcomes.length - published, refused });
          return outcomes;
        }),
      read: (after, limit) => log.read(after, limit),
      follow: (listener) => log.follow((news) => life.isDead() || listener(news)),
      stat: () => log.stat(),
      async trim(bounds) {
        const events = await log.trim(bounds);
        if (events > 0) trimmed?.(channel, events);
        return events;
      },
      close: () => log.close(),
    } satisfies Log;
  }

  async function faulty<Answer>(effect: () => Promise<Answer>): Promise<Answer> {
    if (life.isDead()) return life.never();
    const isBefore = dice.chance(0.5);
    switch (faults.strike('log.append', kinds)) {
      case 'relay.log-fails':
        throw new Failure('StorageFailed', "the relay's disk failed, by chance; nothing was kept");
      case 'relay.log-answer-lost':
        await effect();
        throw new Failure('StorageFailed', "the relay's disk failed, by chance; it was kept all the same");
      case 'relay.log-slow': {
        const ms = dice.whole(1, slowMsMax);
        if (isBefore) await passed(base, ms);
        if (life.isDead()) return life.never();
        const answer = await effect();
        if (!isBefore) await passed(base, ms);
        return answer;
      }
      default:
        return effect();
    }
  }
}
