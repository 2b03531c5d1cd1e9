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
      return places.map(({ segment, at }) => (firsts[segment] ?? 0) + at);
    },
  };

  function ownSegment({ channel, bytes, json, count }: Filling): OwnSegment {
    const text = { json: `${json}]`, count };
    let events: readonly CloudEvent[] | undefined;
    return {
      channel,
      outbound,
      at: world.now(),
      bytes,
      text,
      // A store that keeps text never asks.
      get events() {
        return (events ??= eventsIn(text.json));
      },
    };
  }
}

/** A segment that drafts are being added to. */
interface Filling {
  readonly channel: string;
  readonly number: number;
  bytes: number;
  count: number;
  /** An array that is not closed yet. Appended to, since engines do so at once, where joining copies all of it. */
  json: string;
}

/** Where a draft went. */
interface Place {
  readonly segment: number;
  readonly at: number;
}

/** The drafts as segments: a channel's fill in the order of the drafts. */
function segmentsOf(drafts: readonly Draft[]): {
  readonly segments: readonly Filling[];
  readonly places: readonly Place[];
} {
  const open = new Map<string, Filling>();
  const segments: Filling[] = [];
  const places = drafts.map(({ channel, bytes, json }): Place => {
    let segment = open.get(channel);
    if (segment === undefined || segment.count >= segmentEventsMax || segment.bytes + bytes > segmentBytesMax) {
      segment = { channel, number: segments.length, bytes: 0, count: 0, json: '' };
      open.set(channel, segment);
      segments.push(segment);
    }
    const at = segment.count;
    segment.json += (at === 0 ? '[' : ',') + json;
    segment.bytes += bytes;
    segment.count += 1;
    return { segment: segment.number, at };
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
  for (const { channel, count, bytes } of segments) {
    const sum = growth.get(channel) ?? { channel, events: 0, bytes: 0 };
    growth.set(channel, sum);
    sum.events += count;
    sum.bytes += bytes;
  }
  return [...growth.values()];
}
