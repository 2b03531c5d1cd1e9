// Publishes past all browsers, over a line of its own: posts a batch until it is answered, and holds the relay to its answers.
import { publisherName, type Journal } from './journal.ts';
import { channelOf, channels, typeOf, writeNote } from './tale.ts';

/** The publisher. */
export interface Publisher {
  /** Batches that were posted again, since no answer came. */
  readonly repeated: number;
  /** Ends when what was begun is answered, then publishes a last event in each channel; resolves with their `at`. */
  finish(): Promise<number>;
  /** Publishes no more, and waits until all it began is answered. */
  pause(): Promise<void>;
}

const tickMs = 100;
/** A line that went silent is given up by then. */
const answerMsMax = 5000;
const pauseMs = 100;

/** Starts to publish `perSecond` events a second through `url`. */
export function startPublisher(parts: {
  readonly url: string;
  readonly perSecond: number;
  readonly journal: Journal;
}): Publisher {
  const { url, perSecond, journal } = parts;
  const source = `https://example.com/${publisherName}`;
  let n = 0;
  let repeated = 0;
  const pausing = new AbortController();
  const running = run();

  return {
    get repeated() {
      return repeated;
    },
    async pause() {
      pausing.abort();
      await running;
    },
    async finish() {
      const at = Date.now();
      for (const channel of channels) {
        // The next that goes to this channel.
        do n += 1;
        while (channelOf(n) !== channel);
        await post(channel, [n], at);
      }
      return at;
    },
  };

  async function run(): Promise<void> {
    let owed = 0;
    while (!pausing.signal.aborted) {
      await pause(tickMs);
      owed = Math.min(perSecond, owed + (perSecond * tickMs) / 1000);
      const numbers = Array.from({ length: Math.floor(owed) }, () => (n += 1));
      owed -= numbers.length;
      const at = Date.now();
      for (const channel of channels) {
        const its = numbers.filter((number) => channelOf(number) === channel);
        if (its.length > 0) await post(channel, its, at);
      }
    }
  }

  /** The same bytes again and again, until there is an answer: the relay takes none of them twice. */
  async function post(channel: string, numbers: readonly number[], at: number): Promise<void> {
    const events = numbers.map((n) => ({
      specversion: '1.0',
      id: `${publisherName}-${n}`,
      source,
      type: typeOf(n),
      data: writeNote(publisherName, n, at),
    }));
    for (;;) {
      const results = await answered(channel, JSON.stringify(events));
      if (results !== undefined) {
        for (const [index, { id, offset }] of results.entries())
          journal.keep({ id, offset, channel, n: numbers[index] ?? 0, by: publisherName, onDisk: true });
        return;
      }
      repeated += 1;
      await pause(pauseMs);
    }
  }

  async function answered(
    channel: string,
    body: string,
  ): Promise<readonly { readonly id: string; readonly offset: string }[] | undefined> {
    try {
      const answer = await fetch(`${url}/v1/channels/${channel}/events`, {
        method: 'POST',
        headers: { 'content-type': 'application/cloudevents-batch+json' },
        body,
        signal: AbortSignal.timeout(answerMsMax),
      });
      if (!answer.ok) return undefined;
      // Bytes that no text has were damaged on their way, and say nothing.
      const text = new TextDecoder('utf-8', { fatal: true }).decode(await answer.arrayBuffer());
      const { results } = JSON.parse(text);
      return results;
    } catch {
      return undefined;
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
