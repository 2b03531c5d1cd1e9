// Writing to a channel that others write to as well: worked out from what was heard, and stored if that was all there is.
import { Failure, type World } from '@godwit/core';
import { messageOf, type ChannelHead, type Draft } from './head.ts';
import type { Hearing } from './hearing.ts';
import { comeBack, insist, later } from './retry.ts';
import type { Message, Stream } from './stream.ts';

/** How often others may be quicker before whoever writes is told that it is too much. */
const racesMax = 100;
/** After so many races a relay waits for a moment, longer each time up to `waitMsMax`: so does each of those that race. */
const racesAtOnce = 3;
const waitMsMax = 64;

/**
 * Makes the channel what `make` says, which is asked anew whenever another relay was quicker. Nothing is written where that is what the
 * channel is already.
 */
export type Write = <Made extends Draft>(make: () => Promise<Made>) => Promise<Made>;

/** Makes that of a channel. */
export function openWriting(
  hearing: Hearing,
  parts: {
    readonly name: string;
    readonly stream: Stream;
    readonly world: World;
    readonly register: () => Promise<void>;
    /** Resolves once whoever else knows what the host may have lost has said so. */
    readonly settled: () => Promise<void>;
  },
): Write {
  const { name, stream, world, register, settled } = parts;
  const { replica } = hearing;

  return async (make) => {
    await hearing.load();
    for (let race = 0; race < racesMax; race += 1) {
      if (race >= racesAtOnce) await later(world, world.random() * Math.min(waitMsMax, 2 ** (race - racesAtOnce)));
      hearing.assertThere();
      const behind = replica.number;
      const made = await make();
      if (replica.number !== behind) continue;
      if (isSame(made.channel, hearing.current)) return made;
      const its = { by: world.id(), behind: replica.head?.by ?? '', at: world.now() };
      const message = await messageOf(its, made);
      hearing.assertThere();
      if (replica.number !== behind) continue;
      if (behind === 0) await register();
      let wasRead = false;
      // It may be heard before it is answered, or be all that ever comes of it.
      const stop = replica.watch((head) => (wasRead ||= head.by === its.by));
      try {
        const number = await put(message, behind);
        if (number !== undefined) hearing.take({ ...message, number }, made.records);
        else if (replica.number === behind) await hearing.catchUp();
        hearing.listen();
        if (number !== undefined || wasRead) return made;
      } catch (error) {
        // Its answer was lost, and it was not; also where it has ended this log.
        if (wasRead) return made;
        throw error;
      } finally {
        stop();
      }
    }
    throw new Failure('StorageFailed', `too many relays write to "${name}" at once`, comeBack);
  };

  /** Whoever does not hear whether its message was stored gives it again: only one of the two can be behind the same one. */
  function put(message: Message, behind: number): Promise<number | undefined> {
    const once = async (): Promise<number | undefined> => {
      await settled();
      hearing.assertThere();
      return replica.number > behind ? undefined : stream.append(message, behind);
    };
    return insist(once, { world, isOver: () => hearing.isOver });
  }
}

function isSame(one: ChannelHead, other: ChannelHead): boolean {
  const { epoch, isLive, head, tail, duplicates, refused } = one;
  const counts = head === other.head && tail === other.tail && duplicates === other.duplicates;
  return counts && refused === other.refused && epoch === other.epoch && isLive === other.isLive;
}
