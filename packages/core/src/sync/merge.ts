// merge: turns one channel's frames into pages of the device's log, each with the cursors that belong to it.
import type { CloudEvent } from '../event/cloudevent.ts';
import { Failure } from '../failure.ts';
import type { Gap } from '../protocol/frames.ts';
import {
  segmentBytesMax,
  segmentEventsMax,
  trimYoungMs,
  type ChannelState,
  type MergedEvent,
  type MergePage,
  type Position,
  type Store,
} from '../ports/store.ts';
import type { World } from '../ports/world.ts';
import { createEchoes, type Echoes } from './echoes.ts';
import { scanHeld, type Held } from './held.ts';

/**
 * Behind every offset. After an epoch change arriving events may be held already, also some that are sent again late:
 * all are checked on that stream, and on the next up to the head that it begins with.
 */
const openEnd = '~';

/**
 * How long a place is believed without a look, in milliseconds. A page's fence is trimmed with it, an hour behind it at the
 * soonest: whoever was frozen for so long would merge the page again.
 */
const sureMs = trimYoungMs / 4;

/** How many offsets of a stream are remembered, to know what comes twice: more than lie on a connection at once. */
const recentMax = 1024;

/**
 * One channel's way into the device's log. Its methods are called one after the other, never at once. They reject with
 * `Fenced` when another tab's writes went another way: then a new stream must begin.
 */
export interface Merger {
  /** Whether it is known where reading begins: not before the first stream of a device that begins at `latest`. */
  readonly hasBegun: boolean;
  /** Forgets what was added and is not on disk, and answers where the relay is to read on behind: a stream begins there. */
  begin(): string;
  /** The relay says where the reading stands. */
  connected(position: string, head: string): Promise<void>;
  /** The relay says that events are missing; `behind` is where reading goes on. */
  gap(gap: Gap, behind: string): Promise<void>;
  /** An event of the log. It is on disk after the next `flush`. */
  add(event: CloudEvent, offset: string, size: number): Promise<void>;
  /** Writes what was added. */
  flush(): Promise<void>;
}

/**
 * Makes the merger of `channel`.
 *
 * @param source the device's own, by which its own events are known
 * @param from where a device begins that has never read the channel: `earliest` or `latest`
 */
export function createMerger(parts: {
  readonly channel: string;
  readonly source: string;
  readonly from: string;
  readonly state: ChannelState | undefined;
  readonly store: Store;
  readonly world: World;
  /** Something was merged. */
  readonly merged: () => void;
}): Merger {
  const { channel, source, from, store, world, merged } = parts;
  /** On disk: the relay's offset, and how many epochs ended before it. */
  let position = parts.state?.read ?? from;
  let recheckTo = parts.state?.recheckTo;
  let held: Held | undefined;
  /** The echo cursor on disk, the search behind it, and where it moves with what was added. */
  let echoed = parts.state?.echo ?? 0;
  let echoes: Echoes = createEchoes(store, channel, echoed);
  let echo: Position | undefined;
  let events: MergedEvent[] = [];
  let bytes = 0;
  let last = position;
  /** What this stream has brought, as far as it may come again: something on the way may repeat what it passes on. */
  const recent = new Set<string>();
  /** The last that it brought was this gap. */
  let told: string | undefined;
  /** When the place was last known to be the newest. */
  let sureAt = world.now();

  return {
    get hasBegun() {
      return position !== 'latest';
    },
    begin() {
      // What was judged but not written will come again, and must be judged again.
      events = [];
      bytes = 0;
      last = position;
      echo = undefined;
      echoes = createEchoes(store, channel, echoed);
      held = undefined;
      recent.clear();
      told = undefined;
      return placeOf(position).offset;
    },
    async connected(behind, head) {
      if (recheckTo === openEnd) recheckTo = head;
      // A device that begins at `latest` must know tomorrow where it began today.
      if (position === 'latest') await write({ last: behind });
    },
    async gap(gap, behind) {
      if (told === behind) return;
      told = behind;
      recent.clear();
      await flush();
      const { generation } = placeOf(position);
      if (gap.reason === 'retention') return write({ last: textOf({ offset: behind, generation }), gap });
      recheckTo = openEnd;
      held = undefined;
      await write({ last: textOf({ offset: behind, generation: generation + 1 }), gap, recheckTo });
    },
    async add(event, offset, size) {
      if (recent.has(offset)) return;
      recent.add(offset);
      for (const oldest of recent) {
        if (recent.size > recentMax) recent.delete(oldest);
        break;
      }
      told = undefined;
      last = textOf({ offset, generation: placeOf(position).generation });
      const kind = await kindOf(event);
      if (kind !== 'held') {
        events.push({ event, offset, echo: kind === 'echo' });
        bytes += size;
      }
      if (recheckTo !== undefined && offset >= recheckTo) {
        recheckTo = undefined;
        held = undefined;
        await write({ last, recheckTo: null });
      } else if (events.length >= segmentEventsMax || bytes >= segmentBytesMax) await flush();
    },
    flush,
  };

  async function kindOf(event: CloudEvent): Promise<'new' | 'echo' | 'held'> {
    if (recheckTo !== undefined) {
      held ??= await scanHeld(store, channel);
      const kind = held.kindOf(event);
      held.add(event);
      if (kind === 'merged') return 'held';
      if (kind === 'own') {
        echo = (await echoes.find(event.id)) ?? echo;
        return 'echo';
      }
    }
    if (event.source !== source) return 'new';
    const found = await echoes.find(event.id);
    if (found === undefined) return 'new';
    echo = found;
    return 'echo';
  }

  async function flush(): Promise<void> {
    if (last !== position || events.length > 0) await write({ last });
  }

  /** Writes what is held and moves on; when another writer was first, goes on behind what it has written. */
  async function write(step: { last: string; gap?: Gap; recheckTo?: string | null }): Promise<void> {
    for (;;) {
      const page = { channel, after: position, at: world.now(), bytes, events, ...step };
      const outcome = (await isOvertaken()) ? 'fenced' : await merge(page);
      if (outcome === 'merged') {
        sureAt = page.at;
        echoed = echo ?? echoed;
        return moveTo(step.last);
      }
      const state = (await store.state(channel)).channels[channel];
      const written = state?.read ?? position;
      const wasAt = position;
      position = written;
      echoed = state?.echo ?? echoed;
      recheckTo = state?.recheckTo;
      if (written === step.last) return moveTo(written);
      const found = events.findIndex(({ offset }) => offset === placeOf(written).offset);
      if (written === wasAt || found < 0 || placeOf(written).generation !== placeOf(wasAt).generation) {
        // What it wrote is not on this stream, or lies ahead of it: only a stream from there misses nothing.
        throw new Failure('Fenced', `another writer of this device's log has read "${channel}" up to ${written}`);
      }
      events = events.slice(found + 1);
    }
  }

  function merge(page: MergePage): Promise<'merged' | 'fenced'> {
    return store.merge(echo === undefined ? page : { ...page, echo });
  }

  /** Looked at once more when the look itself took so long, and by a clock that jumped back. */
  async function isOvertaken(): Promise<boolean> {
    for (;;) {
      const at = world.now();
      if (at >= sureAt && at - sureAt < sureMs) return false;
      const read = (await store.state(channel)).channels[channel]?.read;
      if (read !== undefined && read !== position) return true;
      sureAt = at;
    }
  }

  function moveTo(to: string): void {
    position = to;
    last = to;
    events = [];
    bytes = 0;
    echo = undefined;
    merged();
  }
}

/**
 * A place in the relay's log as the device keeps it. A relay that went back (restored from a backup) gives offsets again
 * that stand in the device's log already; the generation, which each epoch gap raises, tells the two apart.
 */
interface Place {
  readonly offset: string;
  readonly generation: number;
}

// No offset holds a #.
function placeOf(text: string): Place {
  const [offset = '', generation = '0'] = text.split('#');
  return { offset, generation: Number(generation) };
}

function textOf({ offset, generation }: Place): string {
  return generation === 0 ? offset : `${offset}#${generation}`;
}
