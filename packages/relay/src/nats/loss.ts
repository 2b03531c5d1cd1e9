// A host that has lost what it had acknowledged: noticed by whoever had read it, and told by a new epoch, so that no offset that was
// given is given to another event.
import { Failure, type World } from '@godwit/core';
import { epochOf } from '@godwit/core/feed';
import { blankHead, channelOf, decodeHead, messageOf, nothing } from './head.ts';
import { createReplica } from './replica.ts';
import { insist, later } from './retry.ts';
import type { StoredHead, Stream } from './stream.ts';

/** The newest message that was read: it is lost with whatever comes before it. */
export interface Mark {
  readonly number: number;
  /** Which it was; of a stranger's, the newest before it that is ours. */
  readonly by: string | undefined;
  readonly generation: number;
}

/** Whether a stream was read less far by one than by the other. */
export function isBefore(one: Mark, other: Mark): boolean {
  return one.generation < other.generation || (one.generation === other.generation && one.number < other.number);
}

/** What a loss is told with. */
export interface LossParts {
  readonly name: string;
  readonly stream: Stream;
  readonly world: World;
  readonly firstEpoch: string;
  /** Makes its stream, and tells every relay of it. */
  readonly register: () => Promise<void>;
  /** Whether some relay has done so: its stream may be empty yet. */
  readonly isRegistered: () => boolean;
  readonly report: (failure: Failure) => void;
  readonly isOver: () => boolean;
}

/** How long a host that seems to have lost something is given to find it: one that has just come back may not have read all it holds. */
const surelyLostMs = 1000;

/** Whether the host no longer holds what was read of it, by its newest message. */
export function isLost(newest: StoredHead | undefined, had: Mark): boolean {
  const { number = 0, head = '' } = newest ?? {};
  // Of a stranger's message nothing is known.
  const by = number === had.number ? decodeHead(head)?.by : undefined;
  return number < had.number || (by !== undefined && by !== had.by);
}

/** Whether the newest message was removed by hand, or by a bound that somebody has set: how the channel stood is lost with it. */
export async function isPurged({ stream }: LossParts, newest: StoredHead): Promise<boolean> {
  return newest.head === '' && (await stream.read(newest.number)) === undefined;
}

/** Begins a new epoch, if it stays lost. Answers with what the stream is known by then; undefined where nothing was lost. */
export async function renewIfLost(parts: LossParts, had: Mark): Promise<Mark | undefined> {
  await later(parts.world, surelyLostMs);
  return isLost(await parts.stream.newest(), had) ? renew(parts, had) : undefined;
}

/** Begins a new epoch with what the host has kept, unless another relay has done so. Answers with what the stream is known by. */
export async function renew(parts: LossParts, had: Mark): Promise<Mark> {
  const { name, stream, world, firstEpoch, register, report, isOver } = parts;
  const held = createReplica();
  const newest = await stream.newest();
  if (newest === undefined) await register();
  for await (const { number, head } of stream.heads(1)) held.read(number, decodeHead(head));
  const { head, segments } = held;
  if (head !== undefined && head.generation > had.generation) {
    return { number: held.number, by: head.by, generation: head.generation };
  }
  const why = `the host of "${name}" has lost what it had acknowledged: the log begins a new epoch`;
  report(new Failure('StorageFailed', why));
  const left = channelOf(head ?? blankHead(firstEpoch));
  const channel = {
    ...left,
    epoch: epochOf(world.id()),
    generation: Math.max(left.generation, had.generation) + 1,
    // It may have kept that something was dropped, and not why.
    tail: segments[0]?.first ?? left.head + 1,
    bytes: segments.reduce((sum, { size }) => sum + size, 0),
  };
  const its = { by: world.id(), behind: head?.by ?? '', at: world.now() };
  const message = await messageOf(its, { channel, ...nothing });
  const stored = await insist(() => stream.append(message, newest?.number ?? 0), { world, isOver });
  if (stored !== undefined) return { number: stored, by: its.by, generation: channel.generation };
  // Another relay was quicker: to say the same, or not.
  return isOver() ? had : renew(parts, had);
}
