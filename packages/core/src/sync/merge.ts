// merge: turns one channel's frames into pages of the device's log, each with the cursors that belong to it.
import type { CloudEvent } from '../event/cloudevent.ts';
import { Failure } from '../failure.ts';
import type { Gap } from '../protocol/frames.ts';
import {
  segmentBytesMax,
  segmentEventsMax,
  type ChannelState,
  type MergedEvent,
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

/** One channel's way into the device's log. Its methods are called one after the other, never at once. */
export interface Merger {
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
  /** Another writer of this log is ahead: pass events over up to here. */
  let skipTo: string | undefined;

  return {
    begin() {
      // What was judged but not written will come again, and must be judged again.
      events = [];
      bytes = 0;
      last = position;
      echo = undefined;
      echoes = createEchoes(store, channel, echoed);
      held = undefined;
      skipTo = undefined;
      return position;
    },
    async connected(behind, head) {
      if (recheckTo === openEnd) recheckTo = head;
      // A device that begins at `latest` must know tomorrow where it began today.
      if (position === 'latest') await write({ last: behind });
    },
    async gap(gap, behind) {
      await flush();
      if (gap.reason === 'retention') return write({ last: behind, gap });
      recheckTo = openEnd;
      held = undefined;
      await write({ last: behind, gap, recheckTo });
    },
    async add(event, offset, size) {
      if (skipTo !== undefined) {
        if (offset === skipTo) skipTo = undefined;
        return;
      }
      last = offset;
      const kind = await kindOf(event);
      if (kind === 'held') return endRecheck(offset);
      events.push({ event, offset, echo: kind === 'echo' });
      bytes += size;
      await endRecheck(offset);
      if (events.length >= segmentEventsMax || bytes >= segmentBytesMax) await flush();
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

  async function endRecheck(offset: string): Promise<void> {
    if (recheckTo === undefined || offset < recheckTo) return;
    recheckTo = undefined;
    held = undefined;
    await write({ last: offset, recheckTo: null });
  }

  async function flush(): Promise<void> {
    if (last !== position || events.length > 0) await write({ last });
  }

  /** Writes what is held and moves on; when another writer was first, goes on behind what it has written. */
  async function write(step: { last: string; gap?: Gap; recheckTo?: string | null }): Promise<void> {
    for (;;) {
      const page = { channel, after: position, at: world.now(), bytes, events, ...step };
      const outcome = await store.merge(echo === undefined ? page : { ...page, echo });
      if (outcome === 'merged') {
        echoed = echo ?? echoed;
        return moveTo(step.last);
      }
      const state = (await store.state()).channels[channel];
      const written = state?.read;
      if (state === undefined || written === undefined || written === position) {
        throw new Failure(
          'Internal',
          `the page behind ${position} of "${channel}" is fenced, and nothing stands behind it`,
        );
      }
      echoed = state.echo;
      echoes = createEchoes(store, channel, echoed);
      const found = events.findIndex(({ offset }) => offset === written);
      position = written;
      if (written === step.last) return moveTo(step.last);
      if (found >= 0) events = events.slice(found + 1);
      else {
        // It is further than we have heard: what we hear up to there is on disk.
        skipTo = written;
        return moveTo(written);
      }
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
