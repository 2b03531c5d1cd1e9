// The application in a simulated tab: what it does when it hears events, and the account that it keeps.
import { RetryAfterError } from '../../durable/errors.ts';
import type { Failure } from '../../failure.ts';
import type { Delivered, Runtime } from '../../runtime/runtime.ts';
import type { NoteData } from './device.ts';
import type { createEars } from './ears.ts';
import { attemptsMax, concurrencyMax } from './handlers.ts';
import type { NoteEvents } from './notes.ts';
import type { SimTab } from './sim-tab.ts';
import { passed, type CallParts } from './store.ts';

/** One run of a durable handler. */
export interface Run {
  readonly tab: SimTab;
  readonly handler: string;
  /** Events of one key never run at the same time; null: this one has none. */
  readonly key: string | null;
  readonly signal: AbortSignal;
}

/** What the application keeps account of beside what each tab hears. */
export interface Account {
  /** `publish` has said that the event is stored. */
  acknowledged(tab: SimTab, channel: string, id: string, position: number | null): void;
  refused(tab: SimTab, error: unknown): void;
  /** A durable handler begins with an event. Answers what is to be called once it has handled it. */
  begins(run: Run, event: Delivered<string, NoteData>): { handled(): void; left(): void };
  reported(tab: SimTab, failure: Failure): void;
  /** A whisper has a place in the log. */
  stored(tab: SimTab, whisper: NoteData): void;
  /** The tab was told that another has taken a handler over. */
  fenced(tab: SimTab, handler: string): void;
  /** The tab asks something of the relay. */
  asks(tab: SimTab): void;
}

/** The key of the handler that has keys. */
function keyOf({ n }: NoteData): string {
  return String(n % 3);
}

/** What one tab's application does with what it hears. */
export interface Application {
  /** Hears everything that a live handler may ask for; answers what ends it. */
  hearAll(runtime: Runtime<NoteEvents>, heard: Parameters<Parameters<typeof createEars>[0]['start']>[0]): () => void;
  /** Defines the durable handlers. */
  define(runtime: Runtime<NoteEvents>): void;
}

/** Makes the application of a tab. */
export function createApplication(
  parts: Pick<CallParts, 'life' | 'faults' | 'dice' | 'base'> & {
    readonly tab: () => SimTab;
    readonly channels: readonly string[];
    readonly account: Account;
    readonly counts: Record<keyof SimTab['counts'], number>;
    readonly whispers: Map<string, number>;
  },
): Application {
  const { life, faults, dice, base, channels, account, counts, whispers } = parts;
  return { hearAll, define };

  function hearAll(
    its: Runtime<NoteEvents>,
    heard: Parameters<Parameters<typeof createEars>[0]['start']>[0],
  ): () => void {
    const stops = [
      its.on('note.whispered', ({ data, position }) => {
        counts.delivered += 1;
        if (position !== null) account.stored(parts.tab(), data);
        const text = `${data.tab} ${data.n}`;
        whispers.set(text, (whispers.get(text) ?? 0) + 1);
      }),
      its.on(
        'note.made',
        (event) => {
          heard.local(event);
          return hear();
        },
        { onGap: heard.localGap },
      ),
      ...channels.map((channel) =>
        its.on(
          'note.made',
          (event) => {
            counts.delivered += 1;
            heard.relayed(channel, event);
          },
          { order: 'relay', channel, onGap: (gap) => heard.relayedGap(channel, gap) },
        ),
      ),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }

  function define(its: Runtime<NoteEvents>): void {
    const common = { from: 'earliest', maxErrors: attemptsMax, timeoutMs: 20_000 } as const;
    its.handle(
      '**',
      'plain',
      (event, task) => {
        const { retryAfterMs } = event.data;
        if (retryAfterMs !== undefined && task.attempt === 1) throw new RetryAfterError('not yet', retryAfterMs);
        return handle('plain', event, task.signal);
      },
      {
        ...common,
        concurrency: dice.whole(1, concurrencyMax),
      },
    );
    its.handle('**', 'keyed', (event, task) => handle('keyed', event, task.signal), {
      ...common,
      concurrency: concurrencyMax,
      key: ({ data }) => keyOf(data),
    });
    its.handle('**', 'relayed', (event, task) => handle('relayed', event, task.signal), { ...common, order: 'relay' });
  }

  function hear(): unknown {
    counts.delivered += 1;
    switch (faults.strike('live', ['live.throws', 'live.hangs'])) {
      case 'live.throws':
        counts.failed += 1;
        throw new Error('a live handler threw, by chance');
      case 'live.hangs':
        return new Promise(() => undefined);
      default:
        return undefined;
    }
  }

  async function handle(handler: string, event: Delivered<string, NoteData>, signal: AbortSignal): Promise<void> {
    // An older release could not tell the key of what it put aside: that runs in no order with the others.
    const tab = parts.tab();
    const isKeyed = handler === 'keyed' && !(tab.disk.facts.hadOlder && event.dataschemaversion === '2');
    const key = isKeyed ? keyOf(event.data) : null;
    const run = account.begins({ tab, handler, key, signal }, event);
    try {
      switch (faults.strike(`handler.${handler}`, ['handler.throws', 'handler.hangs', 'handler.late'])) {
        case 'handler.throws':
          throw new Error('a handler threw, by chance');
        case 'handler.hangs':
          return await new Promise(() => undefined);
        case 'handler.late':
          await life.gate(passed(base, dice.whole(1, dice.chance(0.7) ? 2000 : 19_000)));
          break;
        default:
      }
      if (!signal.aborted) run.handled();
    } finally {
      run.left();
    }
  }
}
