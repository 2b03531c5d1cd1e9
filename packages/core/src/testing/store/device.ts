// What the store's contract needs of an adapter, and the events that it writes.
import { onTestFinished } from 'vitest';
import { utf8Length } from '../../event/json.ts';
import type { CloudEvent } from '../../event/cloudevent.ts';
import type { LogRun, MergePage, OwnSegment, Position, Store } from '../../ports/store.ts';
import type { DeviceStore } from '../../ports/tasks.ts';

/** A browser, or whatever has disks: it holds the databases of its users. */
export interface StoreDevice {
  /** Opens a user's store, as another tab does. */
  open(user?: string): Promise<DeviceStore>;
  /** Writes a channel's `read` cursor past the store, as a browser did that committed half a transaction. */
  moveReadBack(channel: string, offset: string): Promise<void>;
  /** The refused events that are kept, by their ids. */
  rejected(): Promise<readonly string[]>;
  /** Throws the device away. Stores that are open are closed first. */
  dispose(): Promise<void>;
}

/** Makes a device, with one tab open on it; it is thrown away with the test. */
export type OpenStore = () => Promise<{ readonly device: StoreDevice; readonly store: DeviceStore }>;

/** Opens devices for tests. */
export function openerOf(make: () => StoreDevice | Promise<StoreDevice>): OpenStore {
  return async () => {
    const device = await make();
    onTestFinished(() => device.dispose());
    return { device, store: await device.open() };
  };
}

/** An event of a device. */
export function event(id: string, data?: unknown): CloudEvent {
  return {
    specversion: '1.0',
    id,
    source: 'urn:test:device',
    type: 'note.added',
    ...(data === undefined ? {} : { data }),
  };
}

/** Own events of one channel, for the relay. */
export function own(channel: string, events: readonly CloudEvent[]): OwnSegment {
  return { channel, outbound: true, at: 1_000_000, bytes: sizeOf(...events), events };
}

/** A relay's page of one channel. */
export function page(channel: string, after: string, last: string, ids: readonly string[]): MergePage {
  const events = ids.map((id, index) => ({ event: event(id), offset: `${last}#${index}`, echo: false }));
  return { channel, after, last, at: 1_000_000, bytes: 100 * ids.length, events };
}

/** The size of their JSON. A function is none, and has none. */
export function sizeOf(...events: readonly CloudEvent[]): number {
  return events.reduce((sum, item) => sum + utf8Length(JSON.stringify(item)), 0);
}

/** The events of a run. */
export function eventsOf(run: LogRun): readonly CloudEvent[] {
  return run.entries.flatMap((entry) => (entry.kind === 'event' ? [entry.event] : []));
}

/** Their ids. */
export function idsOf(run: LogRun): readonly string[] {
  return eventsOf(run).map(({ id }) => id);
}

/** The ids of the whole log, in its order. */
export async function allOf(store: Store): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let after: Position = 0, isDone = false; !isDone;) {
    const run = await store.read(after, 100);
    ids.push(...idsOf(run));
    after = run.next;
    isDone = run.atHead;
  }
  return ids;
}
