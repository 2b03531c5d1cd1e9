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
  readonly source: string;
  readonly outbound: boolean;
  readonly outbox: Outbox;
  /** The log has grown, and the outbox with it. */
  readonly recorded: (growth: readonly OutboxGrowth[]) => void;
}): Recorder {
  const { store, world, source, outbound, outbox, recorded } = parts;
  // Takes the place of the brace that ends the publisher's JSON.
  const ending = `,"source":${JSON.stringify(source)}}`;

  return {
    async record(drafts) {
      const segments = segmentsOf(drafts);
      const growth = outbound ? growthOf(segments) : [];
      outbox.reserve(growth);
      let firsts: readonly Position[];
      try {
        firsts = await store.record(segments);
      } catch (error) {
        outbox.release(growth);
        throw error;
      }
      recorded(growth);
      return positionsOf(drafts, segments, firsts);
    },
  };

  function segmentsOf(drafts: readonly Draft[]): OwnSegment[] {
    const open = new Map<string, Filling>();
    const all: Filling[] = [];
    for (const draft of drafts) {
      const bytes = draft.bytes + ending.length - 1;
      let segment = open.get(draft.channel);
      if (
        segment === undefined ||
        segment.texts.length >= segmentEventsMax ||
        segment.bytes + bytes > segmentBytesMax
      ) {
        segment = { channel: draft.channel, bytes: 0, texts: [] };
        open.set(draft.channel, segment);
        all.push(segment);
      }
      segment.texts.push(draft.json.slice(0, -1) + ending);
      segment.bytes += bytes;
    }
    return all.map(({ channel, bytes, texts }) => {
      const text = { json: `[${texts.join()}]`, count: texts.length };
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
    });
  }
}

/** A segment that drafts are being added to. */
interface Filling {
  readonly channel: string;
  bytes: number;
  readonly texts: string[];
}

/** What the publisher has made of events is believed. */
function eventsIn(json: string): readonly CloudEvent[] {
  return JSON.parse(json);
}

/** A draft's position: its channel's segments fill in the order of the drafts. */
function positionsOf(
  drafts: readonly Draft[],
  segments: readonly OwnSegment[],
  firsts: readonly Position[],
): Position[] {
  const byChannel = new Map<string, Position[]>();
  segments.forEach((segment, index) => {
    const { channel } = segment;
    const first = firsts[index];
    if (first === undefined || first % positionsPerSegment !== 0) {
      throw new Failure(
        'Internal',
        `the store answered the position ${first} for segment ${index} of ${segments.length}`,
      );
    }
    const positions = byChannel.get(channel) ?? [];
    byChannel.set(channel, positions);
    for (let at = 0; at < countOf(segment); at += 1) positions.push(first + at);
  });
  const taken = new Map<string, number>();
  return drafts.map(({ channel }) => {
    const nth = taken.get(channel) ?? 0;
    taken.set(channel, nth + 1);
    return byChannel.get(channel)?.[nth] ?? 0;
  });
}

function growthOf(segments: readonly OwnSegment[]): OutboxGrowth[] {
  const growth = new Map<string, { channel: string; events: number; bytes: number }>();
  for (const segment of segments) {
    const { channel, bytes } = segment;
    const sum = growth.get(channel) ?? { channel, events: 0, bytes: 0 };
    growth.set(channel, sum);
    sum.events += countOf(segment);
    sum.bytes += bytes;
  }
  return [...growth.values()];
}

function countOf(segment: OwnSegment): number {
  return segment.text?.count ?? segment.events.length;
}
