// record: drafts become own segments on this device's disk, each call one transaction, in the order of the calls.
import { Failure } from '../failure.ts';
import type { CloudEvent } from '../event/cloudevent.ts';
import { eventsIn } from '../event/write.ts';
import { positionsPerSegment, type OwnSegment, type Position, type Store } from '../ports/store.ts';
import type { OutboxGrowth } from '../ports/tabs.ts';
import type { World } from '../ports/world.ts';
import type { Draft } from './engine.ts';
import type { Outbox } from './outbox.ts';

/** Writes drafts to the log. */
export interface Recorder {
  /**
   * Commits the drafts, a segment each, and answers where the first event of each is.
   *
   * @throws Failure `OutboxFull` (nothing was stored), `StorageFailed`, `Closed`
   */
  record(drafts: readonly Draft[]): Promise<readonly Position[]>;
}

/** Makes the recorder. Without a relay (`outbound` false) nothing is kept for one. */
export function createRecorder(parts: {
  readonly store: Store;
  readonly world: World;
  readonly outbound: boolean;
  readonly outbox: Outbox;
  /** The log has grown, up to there, and the outbox with it. */
  readonly recorded: (firsts: readonly Position[], upTo: Position, growth: readonly OutboxGrowth[]) => void;
  /** The store has failed, and may have kept the drafts of these channels all the same: it says so only to who looks. */
  readonly unsure: (channels: readonly string[]) => void;
}): Recorder {
  const { store, world, outbound, outbox, recorded, unsure } = parts;

  return {
    async record(drafts) {
      const growth = outbound ? growthOf(drafts) : [];
      outbox.reserve(growth);
      let firsts: readonly Position[];
      try {
        const answered = await store.record(drafts.map(ownSegment));
        firsts = drafts.map((_, index) => asFirst(answered[index]));
      } catch (error) {
        outbox.release(growth);
        unsure(growth.map(({ channel }) => channel));
        throw error;
      }
      const upTo = (firsts.at(-1) ?? 0) + (drafts.at(-1)?.n ?? 1) - 1;
      outbox.keep(growth, upTo);
      recorded(firsts, upTo, growth);
      return firsts;
    },
  };

  function ownSegment({ channel, text, n, bytes }: Draft): OwnSegment {
    let events: readonly CloudEvent[] | undefined;
    return {
      channel,
      outbound,
      at: world.now(),
      bytes,
      written: { text, n },
      // A store that keeps text never asks.
      get events() {
        return (events ??= eventsIn(text));
      },
    };
  }
}

function asFirst(first: Position | undefined): Position {
  if (first !== undefined && first % positionsPerSegment === 0) return first;
  throw new Failure('Internal', `the store put a segment at ${first}`);
}

function growthOf(drafts: readonly Draft[]): OutboxGrowth[] {
  const growth = new Map<string, { channel: string; events: number; bytes: number }>();
  for (const { channel, n, bytes } of drafts) {
    const sum = growth.get(channel) ?? { channel, events: 0, bytes: 0 };
    growth.set(channel, sum);
    sum.events += n;
    sum.bytes += bytes;
  }
  return [...growth.values()];
}
