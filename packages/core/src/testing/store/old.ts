// What the contract of trimming writes, and how it trims.
import type { OwnSegment, Position, Trimmed, TrimRequest } from '../../ports/store.ts';
import type { DeviceStore, HandlerRecord, Step } from '../../ports/tasks.ts';
import { step } from '../tasks/device.ts';
import { event, own } from './device.ts';

/** In milliseconds. */
export const hour: number = 3_600_000;
/** When it is trimmed. */
export const now: number = 1_000 * hour;
/** When most of it was recorded. */
export const old: number = now - 2 * hour;
/** Keeps everything, until a test says otherwise. */
export const everything: TrimRequest = {
  ageMs: Infinity,
  eventsMax: Infinity,
  bytesMax: Infinity,
  now,
  segmentsMax: 100,
};

/** Own events that no relay is to get. */
export function local(...ids: readonly string[]): OwnSegment {
  return {
    ...own(
      'room',
      ids.map((id) => event(id)),
    ),
    outbound: false,
    at: old,
  };
}

/** Own events that wait for a relay. */
export function unsent(channel: string, ...ids: readonly string[]): OwnSegment {
  return {
    ...own(
      channel,
      ids.map((id) => event(id)),
    ),
    at: old,
  };
}

/** Records old segments, called 1, 2, 3 …, and answers their positions. */
export async function recorded(store: DeviceStore, count: number, size = 1): Promise<readonly Position[]> {
  const positions: Position[] = [];
  for (let index = 1; index <= count; index += 1) {
    const ids = size === 1 ? [`${index}`] : Array.from({ length: size }, (_, of) => `${index}.${of}`);
    positions.push(...(await store.record([local(...ids)])));
  }
  return positions;
}

/** Trims until there is no more to do; answers it all as one step. */
export async function trimmed(store: DeviceStore, request: Partial<TrimRequest>): Promise<Trimmed> {
  let events = 0;
  let bytes = 0;
  for (;;) {
    const step = await store.trim({ ...everything, ...request });
    events += step.events;
    bytes += step.bytes;
    if (!step.more) return { ...step, events, bytes };
  }
}

/** A handler of alice's that is so far. */
export async function defined(store: DeviceStore, handler: string, its: Partial<Step>): Promise<HandlerRecord> {
  const record = await store.lease({ handler, tab: 'alice', at: its.at ?? now, start: 0 });
  if (record === null) throw new Error('there is no such handler');
  return moved(store, record, its);
}

/** The handler, moved on by a step. */
export async function moved(store: DeviceStore, record: HandlerRecord, its: Partial<Step>): Promise<HandlerRecord> {
  const answer = await store.advance(step(record, { at: now, ...its }));
  if (answer === 'fenced') throw new Error('the step was fenced');
  return answer.record;
}
