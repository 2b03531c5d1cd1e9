// Reads the relay's log past all lines, page by page, for as long as the run lasts: what it really holds, and held.
import { channels, type Note } from './tale.ts';

/** An event in the relay's log. */
export interface Logged {
  readonly channel: string;
  readonly epoch: string;
  readonly sequence: number;
  readonly source: string;
  readonly id: string;
  readonly type: string;
  readonly data: Note;
}

/** What a channel has held, in its order, as far as it was read. */
export interface ChannelAudit {
  readonly events: Logged[];
  /** The relay let go of so many before they were read here: nothing can be said of them. */
  missed: number;
}

/** The audit. */
export interface Audit {
  readonly logs: ReadonlyMap<string, ChannelAudit>;
  /** When the newest event of each publisher that the log holds was published, as `at`. */
  storedAt(by: string): number;
  /** Resolves when everything has been read that the relay held when it was asked. */
  catchUp(): Promise<void>;
  stop(): Promise<void>;
}

/** How long the relay may hold back an answer when there is nothing new, in seconds. */
const waitSeconds = 1;
/** A relay that was killed or is held answers no more: then another try. */
const answerMsMax = 5000;
/** Between two tries, in milliseconds. */
const pauseMs = 50;
const pageMax = 1000;

/** Begins to read, from the earliest event on. */
export function startAudit(url: string): Audit {
  const logs = new Map<string, ChannelAudit>(channels.map((channel) => [channel, { events: [], missed: 0 }]));
  const newest = new Map<string, number>();
  const waiting = new Set<{ readonly channels: Set<string>; readonly done: () => void }>();
  const stopping = new AbortController();
  const running = Promise.all([...logs].map(([channel, log]) => follow(channel, log)));

  return {
    logs,
    storedAt: (by) => newest.get(by) ?? 0,
    catchUp: () =>
      new Promise((done) => {
        waiting.add({ channels: new Set(channels), done });
      }),
    async stop() {
      stopping.abort();
      await running;
    },
  };

  async function follow(channel: string, log: ChannelAudit): Promise<void> {
    let after = 'earliest';
    while (!stopping.signal.aborted) {
      const asked = [...waiting];
      try {
        const query = `after=${encodeURIComponent(after)}&limit=${pageMax}&wait=${waitSeconds}`;
        const answer = await fetch(`${url}/v1/channels/${channel}/events?${query}`, {
          headers: { accept: 'application/json' },
          signal: AbortSignal.timeout(answerMsMax),
        });
        if (!answer.ok) throw new Error(`the relay answered ${answer.status}`);
        const page: readonly Page[] = await answer.json();
        const next = answer.headers.get('godwit-next-offset') ?? after;
        log.missed += Number(answer.headers.get('godwit-missed') ?? 0);
        const [epoch = ''] = next.split('.');
        for (const event of page) take(channel, log, epoch, event);
        after = next;
        if (answer.headers.get('godwit-up-to-date') === 'true') settle(asked, channel);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }
  }

  function take(channel: string, log: ChannelAudit, epoch: string, event: Page): void {
    const { source, id, type, data } = event;
    log.events.push({ channel, epoch, sequence: Number(event.sequence), source, id, type, data });
    for (const by of [data.by, data.by.split('.')[0] ?? '']) newest.set(by, Math.max(newest.get(by) ?? 0, data.at));
  }

  /** Whoever asked before the page was asked for has it all of this channel. */
  function settle(
    asked: Iterable<{ readonly channels: Set<string>; readonly done: () => void }>,
    channel: string,
  ): void {
    for (const item of asked) {
      item.channels.delete(channel);
      if (item.channels.size > 0) continue;
      waiting.delete(item);
      item.done();
    }
  }
}

interface Page {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly sequence: string;
  readonly data: Note;
}
