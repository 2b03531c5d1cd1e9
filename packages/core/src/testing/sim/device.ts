// One device of a simulated world, and what its disk really did: whatever a tab is told, these are the facts.
import { isAbandoned } from '../../durable/steps.ts';
import type { CloudEvent } from '../../event/cloudevent.ts';
import { identityOf } from '../../event/cloudevent.ts';
import { createMemoryDatabase, openMemoryStore, type MemoryDatabase } from '../../memory/store.ts';
import { entriesOf, ownEventsOf, type StoredSegment } from '../../memory/segment.ts';
import { handlerPinMs, type LogEntry, type MergePage, type Position } from '../../ports/store.ts';
import type { DeviceStore, HandlerRecord, TaskRow } from '../../ports/tasks.ts';
import type { World } from '../../ports/world.ts';
import { parseOffset } from '../../protocol/offset.ts';
import { concurrencyMax, wants } from './handlers.ts';
import type { RelayHistory } from './truth.ts';

/** What a device's disk did since it was made. */
export interface DiskFacts {
  /** The device's own events, by id. */
  readonly own: Map<string, { readonly channel: string; readonly position: Position }>;
  /** Own events of which `publish` has said that they are stored. */
  readonly acknowledged: Set<string>;
  /** Of each channel, the place up to which the device has read. */
  readonly read: Map<string, string>;
  /** Of each channel, which events came from the relay. */
  readonly merged: Map<string, Set<string>>;
  /** Of those, what the log holds still. */
  readonly held: Map<string, Set<string>>;
  /** Positions that were trimmed, each with the durable handlers that there were then. */
  readonly gone: Map<Position, readonly string[]>;
  /** Of each tab and channel, the number of its newest event. */
  readonly newest: Map<string, number>;
  /** Of each channel, up to which sequence of a new epoch nothing is merged again that was merged before. */
  readonly recheckTo: Map<string, number>;
  /** Whether a tab of the older release was ever opened on it. */
  hadOlder: boolean;
  /** How often one of its tabs was closed. */
  shutdowns: number;
  /** How often somebody has asked for dead tasks to be run again. */
  retries: number;
  /** By `handler position`, how often an event was claimed by a tab that died, and no attempt was counted. */
  readonly uncounted: Map<string, number>;
}

/** One disk: a device has another once its database was deleted. */
export interface Disk {
  readonly database: MemoryDatabase;
  readonly facts: DiskFacts;
  /** Undefined before a tab was opened on it. */
  readonly source: string | undefined;
  /** Everything that ever was in the log, in order. */
  entries(): readonly LogEntry[];
  /** Up to where a channel's own events are confirmed. */
  sent(channel: string): Position;
  handlers(): readonly HandlerRecord[];
  /** A handler's rows. */
  rows(handler: string): readonly TaskRow[];
  open(world: Pick<World, 'id'>): DeviceStore;
}

/** What is published in a simulated world: the number of an event among those of its tab and channel. */
export interface NoteData {
  readonly n: number;
  readonly tab: string;
  /** The handler `plain` fails with it once, and asks for so long a wait. */
  readonly retryAfterMs?: number;
}

/**
 * Makes an empty disk. `fail` hears of what must never be. `wasForbidden` tells whether a channel could not be read for a
 * while: who begins at the latest may have sent something before it could know where that is.
 */
export function createDisk(parts: {
  readonly history: RelayHistory;
  readonly fail: (message: string) => void;
  readonly wasForbidden: (channel: string) => boolean;
}): Disk {
  const { history, fail, wasForbidden } = parts;
  const database = createMemoryDatabase();
  const { contents } = database;
  const facts: DiskFacts = {
    own: new Map(),
    acknowledged: new Set(),
    read: new Map(),
    merged: new Map(),
    held: new Map(),
    gone: new Map(),
    newest: new Map(),
    recheckTo: new Map(),
    hadOlder: false,
    shutdowns: 0,
    retries: 0,
    uncounted: new Map(),
  };

  /** Everything that was ever in the log. */
  const all: LogEntry[] = [];

  return {
    database,
    facts,
    get source() {
      return sourceOf();
    },
    entries: () => all,
    sent: (channel) => contents.cursors.get(channel)?.sent ?? 0,
    handlers: () => [...contents.tasks.records.values()],
    rows: (handler) => [...(contents.tasks.rows.get(handler)?.values() ?? [])],
    open(world) {
      const inner = openMemoryStore(database, world);
      return {
        ...inner,
        // The reference does its work within the call: what it did is looked at before anybody else can see it.
        record(segments) {
          const before = contents.newest;
          const answer = inner.record(segments);
          for (const its of contents.log) {
            if (its.segment <= before) continue;
            all.push(...entriesOf(its));
            for (const { event, position } of ownEventsOf(its, 0)) recorded(its.channel, event, position);
          }
          return answer;
        },
        advance(step) {
          const before = new Map(
            step.put.map(({ position }) => [position, contents.tasks.rows.get(step.handler)?.get(position)]),
          );
          const answer = inner.advance(step);
          abandoned(step.handler, before);
          suspected(step.handler);
          for (const { position, attempts } of contents.tasks.rows.get(step.handler)?.values() ?? []) {
            const was = before.get(position);
            if (was !== undefined && was.state !== 'running' && attempts > was.attempts)
              fail(`"${step.handler}" counts an attempt with ${position}, which was ${was.state}: nobody had begun it`);
          }
          return answer;
        },
        merge(page) {
          const before = contents.newest;
          const answer = inner.merge(page);
          const newest = contents.log.at(-1);
          if (newest !== undefined && newest.segment > before) {
            all.push(...entriesOf(newest));
            merged(page);
          }
          return answer;
        },
        trim(request) {
          const before = contents.log;
          const records = [...contents.tasks.records.values()];
          const answer = inner.trim(request);
          const kept = new Set(contents.log);
          for (const segment of before) if (!kept.has(segment)) trimmed(segment, records, request.now);
          return answer;
        },
      };
    },
  };

  function sourceOf(): string | undefined {
    return contents.deviceId === undefined ? undefined : `urn:uuid:${contents.deviceId}`;
  }

  /** Of what a dead tab had claimed, no more have used an attempt than can have begun. */
  function abandoned(handler: string, before: ReadonlyMap<Position, TaskRow | undefined>): void {
    let counted = 0;
    for (const [position, was] of before) {
      const row = contents.tasks.rows.get(handler)?.get(position);
      if (row === undefined || row === was || !isAbandoned(row)) continue;
      const key = `${handler} ${position}`;
      if (row.attempts < (was?.attempts ?? 1)) facts.uncounted.set(key, (facts.uncounted.get(key) ?? 0) + 1);
      else if (was === undefined || !isAbandoned(was)) counted += 1;
    }
    if (counted > concurrencyMax)
      fail(`"${handler}" counts an attempt with ${counted} at once: so many cannot have begun`);
  }

  /** What a tab may have died of is claimed with no more than run at once. Of a dead letter that is run again nobody knows. */
  function suspected(handler: string): void {
    const record = contents.tasks.records.get(handler);
    const rows = [...(contents.tasks.rows.get(handler)?.values() ?? [])].filter(({ state }) => state === 'running');
    if (record === undefined || facts.retries > 0 || !rows.some(isAbandoned)) return;
    const { cursor, claimed, ended } = record;
    const fresh = all.filter(({ position }) => position > cursor && position <= claimed && !ended.includes(position));
    const inFlight = rows.length + fresh.filter(wants(handler)).length;
    if (inFlight > concurrencyMax) fail(`"${handler}" has ${inFlight} claimed, and a tab may have died of one of them`);
  }

  function recorded(channel: string, { id, data }: CloudEvent, position: Position): void {
    facts.own.set(id, { channel, position });
    const { n, tab } = noteOf(data);
    const before = facts.newest.get(`${tab} ${channel}`) ?? 0;
    if (n <= before) fail(`${tab} published ${n} behind ${before} in "${channel}": the order of the calls is lost`);
    facts.newest.set(`${tab} ${channel}`, n);
  }

  /** Nothing goes that is still to be sent, or to be handled. */
  function trimmed(segment: StoredSegment, records: readonly HandlerRecord[], now: number): void {
    const { out } = segment;
    const names = records.map(({ name }) => name);
    for (const entry of entriesOf(segment)) {
      const { position, channel } = entry;
      facts.gone.set(position, names);
      if (entry.kind === 'event' && entry.offset !== null) facts.held.get(channel)?.delete(identityOf(entry.event));
      if (out !== undefined && position > (contents.cursors.get(out)?.sent ?? 0))
        fail(`${position} of "${channel}" was trimmed before it was sent`);
      const handler = records.find((its) => its.cursor < position && now - its.definedAt < handlerPinMs);
      if (handler !== undefined) fail(`${position} of "${channel}" was trimmed, and "${handler.name}" is to handle it`);
    }
  }

  function merged({ channel, after, last, events, gap }: MergePage): void {
    const where = `a page of "${channel}" behind ${after}`;
    const known = facts.read.get(channel);
    if (known !== undefined && known !== after) fail(`${where} was merged where ${known} had been read`);
    facts.read.set(channel, last);
    const its = facts.merged.get(channel) ?? new Set<string>();
    facts.merged.set(channel, its);
    const held = facts.held.get(channel) ?? new Set<string>();
    facts.held.set(channel, held);

    let at = placeOf(after);
    const end = placeOf(last);
    if (gap?.reason === 'retention') {
      // Of a stream that began at the earliest, and was overtaken by the trimming, nobody else knows where that was.
      const missed = end === undefined ? undefined : at === undefined ? gap.missed : end.sequence - at.sequence;
      if (end === undefined || gap.missed !== missed || (at !== undefined && at.epoch !== end.epoch))
        fail(`${where} tells a gap of ${gap.missed}, and goes on at ${last}`);
      else if (end.sequence > trimmedOf(channel, end.epoch)) fail(`${where} tells a gap up to ${last}, which is held`);
      at = end;
    } else if (gap !== undefined) {
      if (gap.missed !== null || end === undefined || end.sequence > trimmedOf(channel, end.epoch))
        fail(`${where} tells the end of an epoch, and goes on at ${last}, behind what is held`);
      at = end;
      // What the new epoch holds by now is looked up before it is merged again; what is sent again later may be told twice.
      facts.recheckTo.set(channel, end === undefined ? 0 : (epochOf(channel, end.epoch)?.events.length ?? 0));
    }
    if (after === 'latest' && end !== undefined && !wasForbidden(channel)) {
      const missed = epochOf(channel, end.epoch)
        ?.events.slice(0, end.sequence)
        .find(({ source }) => source === sourceOf());
      if (missed !== undefined) fail(`${where} begins behind ${missed.id}, which is its own and never comes back`);
    }
    for (const { event, offset, echo } of events) {
      const place = parseOffset(offset);
      const identity = identityOf(event);
      at = passOver(channel, where, at, place.epoch, place.sequence - 1);
      const stored = epochOf(channel, place.epoch)?.events[place.sequence - 1];
      if (stored?.identity !== identity)
        fail(`${where} has ${identity} at ${offset}, where the relay has ${stored?.identity}`);
      const copies = history.channel(channel).appended.get(identity) ?? 0;
      if (held.has(identity) && (copies < 2 || place.sequence <= (facts.recheckTo.get(channel) ?? 0)))
        fail(`${where} brings ${identity} again`);
      const own = event.source === sourceOf() ? facts.own.get(event.id) : undefined;
      // One that was trimmed meanwhile may be known still, or not any more.
      const isSure = own === undefined || !facts.gone.has(own.position);
      if (isSure && (own !== undefined) !== echo && copies < 2)
        fail(`${where} has ${identity} as ${echo ? 'an echo' : "another's"}`);
      its.add(identity);
      held.add(identity);
      at = place;
    }
    if (end !== undefined && after !== 'latest') passOver(channel, where, at, end.epoch, end.sequence);
  }

  /** Between two places lies only what the device has had before, or what nobody has any more. */
  function passOver(channel: string, where: string, from: Place | undefined, epoch: string, to: number): Place {
    if (from !== undefined && from.epoch !== epoch) fail(`${where} goes on in another epoch, and no gap was told`);
    const stored = epochOf(channel, epoch);
    // Who begins at the earliest has missed nothing of what had gone by then.
    const first = from?.sequence ?? stored?.trimmed ?? 0;
    for (let sequence = first; sequence < to; sequence += 1) {
      const identity = stored?.events[sequence]?.identity ?? '';
      if (facts.merged.get(channel)?.has(identity) !== true)
        fail(`${where} passes over ${identity} at ${sequence + 1}, and no gap was told`);
    }
    return { epoch, sequence: to };
  }

  function epochOf(channel: string, epoch: string): ReturnType<RelayHistory['channel']>['epochs'][number] | undefined {
    return history.channel(channel).epochs.find((its) => its.epoch === epoch);
  }

  function trimmedOf(channel: string, epoch: string): number {
    return epochOf(channel, epoch)?.trimmed ?? 0;
  }
}

interface Place {
  readonly epoch: string;
  readonly sequence: number;
}

/** The relay's offset in a place as the device keeps it; undefined for `earliest` and `latest`. */
function placeOf(text: string): Place | undefined {
  const [offset = ''] = text.split('#');
  return offset === 'earliest' || offset === 'latest' ? undefined : parseOffset(offset);
}

/** What a simulated tab published. */
export function noteOf(data: unknown): NoteData {
  return data as NoteData;
}
