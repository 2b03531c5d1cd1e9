// Posts GitHub's examples to the relay, so many a second: plain CloudEvents over HTTP, as any server would.
import { eventsPath, mediaTypes } from '@godwit/core/protocol';
import type { Example } from './events/example.ts';

/** What a replay tells of itself. */
export interface ReplayNews {
  /** Events that the relay has answered for. */
  readonly posted: number;
  /** What is wrong just now, if anything. */
  readonly trouble?: string;
}

/** A replay that runs. */
export interface Replay {
  /** Events a second from now on; 0 stops. */
  setRate(perSecond: number): void;
}

/** Short enough to look even, long enough that twenty a second are five requests and not twenty. */
const tickMs = 200;
/** After a refusal or an unreachable relay: the replay is a guest. */
const pauseMs = 3000;

/** Begins a replay at a rate of zero. */
export function startReplay(options: {
  readonly relay: string;
  readonly channel: string;
  readonly examples: readonly Example[];
  readonly hear: (news: ReplayNews) => void;
}): Replay {
  const { relay, channel, hear } = options;
  const next = shuffled(options.examples);
  let rate = 0;
  let owed = 0;
  let posted = 0;

  async function tick(): Promise<void> {
    // Only the tab in front replays, or five tabs would be five times the rate that each of them shows.
    owed = document.visibilityState === 'visible' ? owed + (rate * tickMs) / 1000 : 0;
    const count = Math.floor(owed);
    if (count > 0) {
      owed -= count;
      const trouble = await post(relay, channel, Array.from({ length: count }, next));
      if (trouble === undefined) hear({ posted: (posted += count) });
      else {
        hear({ posted, trouble });
        await elapsed(pauseMs);
      }
    }
    setTimeout(() => void tick(), tickMs);
  }

  void tick();
  return {
    setRate(perSecond) {
      rate = perSecond;
      owed = 0;
    },
  };
}

/** Posts one batch. Answers what went wrong, in words. */
async function post(relay: string, channel: string, examples: readonly Example[]): Promise<string | undefined> {
  const events = examples.map((example) => ({
    specversion: '1.0',
    id: crypto.randomUUID(),
    time: new Date().toISOString(),
    datacontenttype: mediaTypes.json,
    ...example,
  }));
  try {
    const answer = await fetch(relay + eventsPath(channel), {
      method: 'POST',
      headers: { 'content-type': mediaTypes.batch },
      body: JSON.stringify(events),
    });
    return answer.ok ? undefined : `The relay answered ${answer.status}; trying again.`;
  } catch {
    return 'The relay cannot be reached; trying again.';
  }
}

/** Every item once, in a random order, then again in another. */
function shuffled<Item>(items: readonly Item[]): () => Item {
  let rest: Item[] = [];
  return () => {
    if (rest.length === 0) rest = [...items];
    const [item] = rest.splice(Math.floor(Math.random() * rest.length), 1);
    if (item === undefined) throw new TypeError('there is nothing to replay');
    return item;
  };
}

function elapsed(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
