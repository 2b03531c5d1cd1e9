// The device's log as an application reads it: from where it says, in order, and on with what comes.
import type { EventDefinition } from '../event/define.ts';
import { compilePattern } from '../event/pattern.ts';
import { readEvent } from '../event/read.ts';
import type { Failure } from '../failure.ts';
import type { LogEntry } from '../ports/store.ts';
import { aborted, createBell } from '../timing/wait.ts';
import type { Engine } from './engine.ts';
import { need } from './given.ts';
import { assertReadable } from './reading-order.ts';
import type { Delivered, EventsOptions } from './runtime.ts';
import type { Tally } from './status.ts';
import { asyncDispose } from './subscription.ts';

/** The most entries that one read brings: what a loop that is left early has read for nothing. */
const pageMax = 256;

/** Readers of a handle's history. */
export interface History {
  read(pattern: string, options: EventsOptions): AsyncGenerator<Delivered, void, undefined>;
  /** The log grew. */
  wake(): void;
  /** The log is lost to this tab: nothing more is to come, and whoever reads hears why. */
  lose(why: Failure): void;
}

/** Makes what reads the log. `signal` ends every reading. */
export function createHistory(parts: {
  readonly engine: Pick<Engine, 'read'>;
  readonly definitions: ReadonlyMap<string, EventDefinition<string, unknown, unknown>>;
  readonly channels: ReadonlySet<string>;
  readonly tally: Tally;
  readonly signal: AbortSignal;
}): History {
  const { engine, definitions, channels, tally } = parts;
  const wakers = new Set<() => void>();
  let lost: Failure | undefined;
  return {
    read(pattern, options) {
      // Wrong options are told at the call, not at the first step of the loop.
      const { order = 'local', channel, live = true, signal, onGap } = options;
      const after = options.after ?? 0;
      const wants = compilePattern(pattern);
      need(Number.isInteger(after) && after >= 0, '`after` is a position, as a receipt or an event has it', after);
      assertReadable({ order, channel, onGap }, channels);
      const isWanted = (entry: LogEntry): entry is Extract<LogEntry, { kind: 'event' }> =>
        entry.kind === 'event' &&
        channels.has(entry.channel) &&
        (channel === undefined || entry.channel === channel) &&
        (order === 'local' ? !entry.echo : entry.offset !== null) &&
        wants(entry.event.type);
      const left = new AbortController();
      const ends = [parts.signal, left.signal, ...(signal ? [signal] : [])];
      return leavable(entries(after, live, AbortSignal.any(ends), isWanted, onGap), left);
    },
    wake,
    lose(why) {
      lost = why;
      wake();
    },
  };

  function wake(): void {
    for (const ring of wakers) ring();
  }

  async function* entries(
    after: number,
    live: boolean,
    until: AbortSignal,
    isWanted: (entry: LogEntry) => entry is Extract<LogEntry, { kind: 'event' }>,
    onGap: EventsOptions['onGap'],
  ): AsyncGenerator<Delivered, void, undefined> {
    const bell = createBell();
    const ended = aborted(until);
    wakers.add(bell.ring);
    try {
      for (let cursor = after; !until.aborted;) {
        if (lost !== undefined) throw lost;
        const run = await Promise.race([engine.read(cursor, pageMax), ended]);
        if (run === undefined) return;
        // What is trimmed behind a reader that began at nothing is no gap in what it has read.
        if (run.trimmed === true && cursor > 0) {
          for (const channel of channels) onGap?.({ channel, missed: null, reason: 'retention' });
        }
        for (const entry of run.entries) {
          if (until.aborted) return;
          if (entry.kind === 'gap' && channels.has(entry.channel)) onGap?.({ channel: entry.channel, ...entry.gap });
          if (!isWanted(entry)) continue;
          const { event, channel, offset, position } = entry;
          const reading = readEvent(definitions, event);
          if (reading.kind === 'event') yield { ...event, channel, offset, position, data: reading.data };
          else tally.dropped(reading.kind === 'deferred' ? reading.why : reading.kind, 1);
        }
        cursor = run.next;
        if (!run.atHead) continue;
        if (!live) return;
        await bell.wait(until);
      }
    } finally {
      wakers.delete(bell.ring);
    }
  }
}

/** A generator's own `return` waits until a step that is under way has ended; of a log that does not grow, that is never. */
function leavable<Item>(
  steps: AsyncGenerator<Item, void, undefined>,
  left: AbortController,
): AsyncGenerator<Item, void, undefined> {
  const leave = (): Promise<IteratorResult<Item, void>> => {
    left.abort();
    return steps.return();
  };
  const all: AsyncGenerator<Item, void, undefined> = {
    next: () => steps.next(),
    return: leave,
    throw(error) {
      left.abort();
      return steps.throw(error);
    },
    [Symbol.asyncIterator]: () => all,
    async [asyncDispose]() {
      await leave();
    },
  };
  return all;
}
