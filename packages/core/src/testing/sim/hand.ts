// What a reader by hand is sent in a simulated world, frame by frame, and whether it fits what the relay's log holds.
import { parseOffset } from '../../protocol/offset.ts';
import type { ChannelHistory, EpochHistory } from './truth.ts';

/** A frame as a reader without any code of ours sees it. */
export interface HandFrame {
  /** `event`, `heartbeat`, or a control frame's. */
  readonly kind: string;
  readonly id: string | undefined;
  readonly missed: unknown;
  readonly reason: unknown;
  readonly position: unknown;
  readonly dropped: Readonly<Record<string, number>>;
}

/** Where a reader stands. */
export interface Place {
  /** The offset that it would resume from; undefined before it was told of one. */
  readonly at: string | undefined;
  /** A connection begins. */
  connect(): void;
  hear(frame: HandFrame): void;
}

const decoder = new TextDecoder();

/** Whole frames, as the relay hands them over. */
export function framesIn(bytes: Uint8Array): readonly HandFrame[] {
  return decoder.decode(bytes).split('\n\n').filter(Boolean).map(frameOf);
}

function frameOf(text: string): HandFrame {
  const fields = new Map(text.split('\n').map((line) => [line.split(':')[0] ?? '', line.replace(/^[a-z]*: ?/, '')]));
  const data = fields.get('data');
  const { missed, reason, position, dropped = {} } = data === undefined ? {} : JSON.parse(data);
  const kind = fields.get('event') ?? (data === undefined ? 'heartbeat' : 'event');
  return { kind, id: fields.get('id'), missed, reason, position, dropped };
}

/** Follows a reader: each event that it wants comes once and in order, or a gap is told with the right count. */
export function createPlace(parts: {
  readonly history: () => ChannelHistory;
  readonly isWanted: (type: string) => boolean;
  readonly fail: (message: string) => void;
}): Place {
  const { history, isWanted, fail } = parts;
  let at: string | undefined;
  let isNew = true;

  return {
    get at() {
      return at;
    },
    connect() {
      isNew = true;
    },
    hear({ kind, id, missed, reason, position }) {
      if (isNew && kind !== 'connected') fail(`is told "${kind}" before that it is connected`);
      isNew = false;
      if (kind === 'connected') {
        // With a gap, only the gap's own frame moves it on.
        if (id !== undefined && at !== undefined && id !== at)
          fail(`asked for what is behind ${at}, and begins at ${id}`);
        if (id !== undefined) at = id;
      } else if (kind === 'gap') {
        passGap(String(position), missed, reason);
      } else if (id !== undefined) {
        moveTo(id, kind === 'event');
      }
    },
  };

  function passGap(to: string, missed: unknown, reason: unknown): void {
    const [before, after] = [at === undefined ? undefined : parseOffset(at), parseOffset(to)];
    at = to;
    if (before === undefined) return;
    const count = before.epoch === after.epoch ? after.sequence - before.sequence : null;
    if (reason !== (count === null ? 'epoch' : 'retention')) fail(`was told of a gap by ${String(reason)}`);
    if (count === null ? missed !== null : !(Number(missed) > 0 && Number(missed) <= count))
      return fail(`was told of a gap of ${String(missed)}, where ${count} events are missing`);
    // What a filter has passed by before is not missed.
    if (count !== null) passBy(before, after.sequence - Number(missed));
  }

  /** Nothing that it wants may lie behind `from`, up to `last`. */
  function passBy({ epoch, sequence: from }: ReturnType<typeof parseOffset>, last: number): void {
    const its = history().epochs.find((one) => one.epoch === epoch);
    for (let sequence = from + 1; sequence <= last; sequence += 1)
      if (isWanted(typeOf(its, sequence))) fail(`did not get ${sequence}, and went on to ${last + 1}`);
  }

  function moveTo(id: string, isEvent: boolean): void {
    const to = parseOffset(id);
    const from = at === undefined ? { ...to, sequence: to.sequence - 1 } : parseOffset(at);
    at = id;
    if (to.epoch !== from.epoch) return fail(`went from ${from.epoch} to ${to.epoch}, and was not told`);
    if (to.sequence <= from.sequence) return fail(`is brought ${to.sequence} behind ${from.sequence}`);
    passBy(from, isEvent ? to.sequence - 1 : to.sequence);
    const its = history().epochs.find(({ epoch }) => epoch === to.epoch);
    if (isEvent && !isWanted(typeOf(its, to.sequence))) fail(`got ${to.sequence}, which it did not want`);
  }
}

function typeOf(epoch: EpochHistory | undefined, sequence: number): string {
  return epoch?.events[sequence - 1]?.type ?? '';
}
