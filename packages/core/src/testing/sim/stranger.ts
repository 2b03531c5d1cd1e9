// Somebody who reads the relay by hand in a simulated world, as `curl` does: slow, filtered, with a token that ends, and present.
import type { Attach } from '../../feed/channel.ts';
import type { EphemeralPolicy, StreamQuery } from '../../feed/query.ts';
import type { Subscription } from '../../feed/subscriber.ts';
import { formatOffset } from '../../protocol/offset.ts';
import type { Dice } from './dice.ts';
import { createPlace, framesIn, type HandFrame, type Place } from './hand.ts';
import type { Later } from './later.ts';
import type { RelayHistory } from './truth.ts';

/** A reader by hand. */
export interface Stranger {
  readonly name: string;
  readonly channel: string;
  /** As whom it is present, while it is connected. */
  readonly presentAs: string | undefined;
  /** Its connection breaks; it comes back. */
  cut(): void;
  /** It takes nothing for so long, in milliseconds. */
  stall(ms: number): void;
  /** From now on its tokens last. */
  settle(): void;
  /** What it has yet to get; undefined where it has all. */
  missing(): string | undefined;
  /** Its counts are what it was told. */
  check(): void;
  leave(): void;
}

/** How a stranger gets at the relay: undefined while there is none. `signal` aborts where that one is killed or gone. */
export type Subscribe = (
  channel: string,
  query: StreamQuery,
) => Promise<{ readonly attach: Attach; readonly signal: AbortSignal }> | undefined;

interface Connection {
  readonly signal: AbortSignal;
  reading: Subscription | undefined;
  /** Events that came. */
  got: number;
  /** As it was told. */
  dropped: Readonly<Record<string, number>>;
  hasDrained: boolean;
  isOver: boolean;
}

/** How soon it comes back, in milliseconds. */
const comeBackMsMax = 3000;
/** A stream ends this long behind its token at the latest, in milliseconds: ends that lie close together are looked for at once. */
const tokenLateMs = 1000;
/** All, what is stored, and what never is. */
const filters = [[], [], [], ['note.*'], ['note.whispered']] as const;
const policies: readonly [EphemeralPolicy, ...EphemeralPolicy[]] = ['skip', 'latest', 'disconnect'];

/** Lets one come. */
export function createStranger(parts: {
  readonly name: string;
  readonly channel: string;
  readonly from: 'earliest' | 'latest';
  readonly subscribe: Subscribe;
  readonly history: RelayHistory;
  readonly dice: Dice;
  readonly later: Pick<Later, 'after'>;
  readonly now: () => number;
  readonly fail: (message: string) => void;
  readonly note: (who: string, what: string) => void;
}): Stranger {
  const { name, channel, history, dice, later, now, subscribe } = parts;
  const types = dice.pick(filters);
  const policy = dice.pick(policies);
  const clientId = dice.pick([undefined, 'alice', 'bob']);
  const fail = (message: string): void => parts.fail(`${name}, who reads "${channel}" by hand, ${message}`);
  const isWanted = (type: string): boolean => types.length === 0 || (types[0] === 'note.*' && type === 'note.made');
  const place: Place = createPlace({ history: () => history.channel(channel), isWanted, fail });
  let current: Connection | undefined;
  let isHeld = false;
  let isSettled = false;
  let isGone = false;
  void connect();

  return {
    name,
    channel,
    get presentAs() {
      return current === undefined ? undefined : clientId;
    },
    cut() {
      const last = current;
      if (last === undefined) return;
      parts.note(name, 'is cut off');
      last.isOver = true;
      last.reading?.detach();
      ended(last);
    },
    stall(ms) {
      isHeld = true;
      later.after(ms, () => {
        isHeld = false;
        current?.reading?.resume();
      });
    },
    settle() {
      isSettled = true;
    },
    missing() {
      const last = history.channel(channel).epochs.at(-1);
      if (current === undefined) return `${name} is not connected`;
      if (last === undefined || place.at === undefined) return undefined;
      const [at, head] = [place.at, formatOffset(last.epoch, last.events.length)];
      return at === head ? undefined : `${name} has read "${channel}" up to ${at} of ${head}`;
    },
    check() {
      if (current === undefined) return;
      checkCounts(current);
      // Held up, it is told later.
      if (!isHeld) checkTold(current);
    },
    leave() {
      isGone = true;
      const last = current;
      current = undefined;
      if (last !== undefined) last.isOver = true;
      last?.reading?.detach();
    },
  };

  async function connect(): Promise<void> {
    if (isGone || current !== undefined) return;
    const until = !isSettled && dice.chance(0.5) ? now() + dice.whole(1000, 60_000) : undefined;
    const after = place.at ?? parts.from;
    const query = { after, types, ephemerals: policy, heartbeat: true };
    const whole = {
      ...query,
      ...(until === undefined ? {} : { until }),
      ...(clientId === undefined ? {} : { clientId }),
    };
    const found = await subscribe(channel, whole)?.catch(() => undefined);
    if (found === undefined || found.signal.aborted || isGone) return comeBack();
    const its: Connection = {
      signal: found.signal,
      reading: undefined,
      got: 0,
      dropped: {},
      hasDrained: false,
      isOver: false,
    };
    current = its;
    place.connect();
    parts.note(name, `reads "${channel}" behind ${after}, as ${clientId ?? 'nobody'}, ${types.join()} ${policy}`);
    its.reading = found.attach({
      send(bytes) {
        for (const frame of framesIn(bytes)) hear(its, frame);
        return !isHeld;
      },
      close: () => closed(its),
    });
    if (until === undefined) return;
    later.after(until - now() + tokenLateMs, () => {
      if (!its.isOver && !its.signal.aborted) fail('reads on behind the end of its token');
    });
  }

  function hear(its: Connection, frame: HandFrame): void {
    if (its.isOver) return;
    if (its.hasDrained) fail('is told something behind its drain');
    place.hear(frame);
    if (frame.kind === 'event') its.got += 1;
    if (frame.kind === 'drain') its.hasDrained = true;
    if (frame.kind === 'dropped') its.dropped = frame.dropped;
  }

  /** The relay has ended it. */
  function closed(its: Connection): void {
    if (its.isOver) return;
    its.isOver = true;
    const isOwnChoice = policy === 'disconnect' && (its.dropped['overflow'] ?? 0) > 0;
    if (!its.signal.aborted && !its.hasDrained && !isOwnChoice) fail('was closed without a word');
    ended(its);
  }

  function ended(its: Connection): void {
    checkCounts(its);
    if (current !== its) return;
    current = undefined;
    comeBack();
  }

  function checkCounts({ reading, got }: Connection): void {
    if (reading !== undefined && reading.counts.delivered !== got)
      fail(`got ${got} events, and ${reading.counts.delivered} were counted as delivered`);
  }

  function checkTold({ reading, dropped }: Connection): void {
    const was = reading?.counts.dropped;
    for (const reason of ['overflow', 'superseded'] as const)
      if ((was?.[reason] ?? 0) !== (dropped[reason] ?? 0))
        fail(`was told of ${dropped[reason] ?? 0} events dropped by "${reason}", and it was ${was?.[reason] ?? 0}`);
  }

  function comeBack(): void {
    if (!isGone) later.after(dice.whole(1, comeBackMsMax), () => void connect());
  }
}
