// record: drafts become own segments on this device's disk, each call one transaction, in the order of the calls.
import { Failure } from '../failure.ts';
import type { CloudEvent } from '../event/cloudevent.ts';
import {
  segmentBytesMax,
  segmentEventsMax,
  positionsPerSegment,
  type OwnSegment,
  type Position,
  type Store,
} from '../ports/store.ts';
import type { OutboxGrowth } from '../ports/tabs.ts';
import type { World } from '../ports/world.ts';
import type { Draft } from './engine.ts';
import type { Outbox } from './outbox.ts';

/** Writes drafts to the log. */
export interface Recorder {
  /**
   * Commits the drafts and answers their positions.
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
  /** The log has grown, and the outbox with it. */
  readonly recorded: (growth: readonly OutboxGrowth[]) => void;
}): Recorder {
  const { store, world, outbound, outbox, recorded } = parts;

  return {
    async record(drafts) {
      const { segments, places } = segmentsOf(drafts);
      const growth = outbound ? growthOf(segments) : [];
      outbox.reserve(growth);
      let firsts: readonly Position[];
      try {
        firsts = await store.record(segments.map(ownSegment));
      } catch (error) {
        outbox.release(growth);
        throw error;
      }
      recorded(growth);
      segments.forEach((_, index) => assertFirst(firsts[index], index, segments.length));
      // A place is counted as a position is, but among these segments.
      return places.map(
        (place) => (firsts[Math.floor(place / positionsPerSegment)] ?? 0) + (place % positionsPerSegment),
      );
    },
  };

  function ownSegment({ channel, bytes, texts }: Filling): OwnSegment {
    let events: readonly CloudEvent[] | undefined;
    return {
      channel,
      outbound,
      at: world.now(),
      bytes,
      texts,
      // A store that keeps text never asks.
      get events() {
        return (events ??= eventsIn(`[${texts.join()}]`));
      },
    };
  }
}

/** A segment that drafts are being added to. */
interface Filling {
  readonly channel: string;
  readonly index: number;
  bytes: number;
  readonly texts: string[];
}

/** The drafts as segments, of each channel in their order, and where each draft went. */
function segmentsOf(drafts: readonly Draft[]): {
  readonly segments: readonly Filling[];
  readonly places: readonly number[];
} {
  const open = new Map<string, Filling>();
  const segments: Filling[] = [];
  const places = drafts.map(({ channel, bytes, json }) => {
    let segment = open.get(channel);
    if (segment === undefined || segment.texts.length >= segmentEventsMax || segment.bytes + bytes > segmentBytesMax) {
      segment = { channel, index: segments.length, bytes: 0, texts: [] };
      open.set(channel, segment);
      segments.push(segment);
    }
    segment.bytes += bytes;
    return segment.index * positionsPerSegment + segment.texts.push(json) - 1;
  });
  return { segments, places };
}

/** What the publisher has made of events is believed. */
function eventsIn(json: string): readonly CloudEvent[] {
  return JSON.parse(json);
}

function assertFirst(first: Position | undefined, index: number, segments: number): void {
  if (first !== undefined && first % positionsPerSegment === 0) return;
  throw new Failure('Internal', `the store answered the position ${first} for segment ${index} of ${segments}`);
}

function growthOf(segments: readonly Filling[]): OutboxGrowth[] {
  const growth = new Map<string, { channel: string; events: number; bytes: number }>();
  for (const { channel, texts, bytes } of segments) {
    const sum = growth.get(channel) ?? { channel, events: 0, bytes: 0 };
    growth.set(channel, sum);
    sum.events += texts.length;
    sum.bytes += bytes;
  }
  return [...growth.values()];
}
