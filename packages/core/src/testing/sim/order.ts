// The relay's log as its clients see it: every answer must fit one order of all that was asked, and that order must fit time.
import { identityOf } from '../../event/cloudevent.ts';
import type { Link } from '../../ports/link.ts';
import type { Frame } from '../../protocol/frames.ts';
import { parseOffset } from '../../protocol/offset.ts';
import type { EpochHistory, RelayHistory } from './truth.ts';

/** Watches links to the relay. */
export interface Order {
  /** The same link, each of whose answers is held against the log's history. */
  watch(link: Link): Link;
}

/** Up to where a channel's log was known to go when something was asked, by epoch. */
type Known = ReadonlyMap<string, number>;

interface Place {
  readonly epoch: string;
  readonly sequence: number;
}

/**
 * Checks that the log is linearizable. Its sequences name the order, so that only this is left to look at: what was asked
 * when an answer was known already comes behind it; and what is read is what stands there, each event behind the one before.
 */
export function createOrder(parts: {
  readonly history: RelayHistory;
  readonly fail: (message: string) => void;
}): Order {
  const { history, fail } = parts;
  const knownOf = new Map<string, Map<string, number>>();

  return {
    watch: (link) => ({
      async push(channel, events, signal) {
        const before = known(channel);
        const results = await link.push(channel, events, signal);
        let last: Place | undefined;
        for (const [index, result] of results.entries()) {
          if (result.status !== 'appended' && result.status !== 'duplicate') continue;
          const event = events[index];
          const place = parseOffset(result.offset);
          const where = `the answer that ${result.id} stands at ${result.offset} in "${channel}"`;
          if (event !== undefined) standsAt(channel, where, place, identityOf(event));
          if (result.status === 'appended') {
            comesBehind(channel, where, { ...place, sequence: place.sequence - 1 }, before);
            if (last?.epoch === place.epoch && last.sequence >= place.sequence)
              fail(`${where} breaks the batch's order`);
            last = place;
          }
          learn(channel, place);
        }
        return results;
      },
      pull: (positions, signal) => read(link, positions, signal),
      renew: () => link.renew(),
    }),
  };

  async function* read(
    link: Link,
    positions: ReadonlyMap<string, string>,
    signal: AbortSignal,
  ): AsyncGenerator<readonly Frame[], undefined> {
    const before = new Map([...positions.keys()].map((channel) => [channel, known(channel)]));
    const at = new Map<string, Place>();
    for await (const frames of link.pull(positions, signal)) {
      for (const frame of frames) see(frame, before, at);
      yield frames;
    }
  }

  function see(frame: Frame, before: ReadonlyMap<string, Known>, at: Map<string, Place>): void {
    switch (frame.kind) {
      case 'connected': {
        const where = `a reader of "${frame.channel}" that begins at ${frame.position}, with the head at ${frame.head}`;
        comesBehind(frame.channel, where, parseOffset(frame.head), before.get(frame.channel) ?? new Map());
        at.set(frame.channel, parseOffset(frame.position));
        return learn(frame.channel, parseOffset(frame.head));
      }
      case 'gap':
        return void at.set(frame.channel, parseOffset(frame.position));
      case 'event': {
        const identity = identityOf(frame.event);
        if (frame.offset === null) {
          if (history.channel(frame.channel).appended.has(identity))
            fail(`${identity} was to be told only, and was stored`);
          return;
        }
        const place = parseOffset(frame.offset);
        const from = at.get(frame.channel);
        const where = `a reader of "${frame.channel}" at ${from?.epoch}.${from?.sequence} that is shown ${frame.offset}`;
        if (from?.epoch !== place.epoch || from.sequence + 1 !== place.sequence)
          fail(`${where} misses what lies between`);
        standsAt(frame.channel, where, place, identity);
        at.set(frame.channel, place);
        return learn(frame.channel, place);
      }
      default:
    }
  }

  function known(channel: string): Known {
    return new Map(knownOf.get(channel));
  }

  function learn(channel: string, { epoch, sequence }: Place): void {
    const its = knownOf.get(channel) ?? new Map<string, number>();
    knownOf.set(channel, its.set(epoch, Math.max(sequence, its.get(epoch) ?? 0)));
  }

  function standsAt(channel: string, where: string, { epoch, sequence }: Place, identity: string): void {
    const stored = epochOf(channel, epoch)?.events[sequence - 1]?.identity;
    if (stored !== identity) fail(`${where} is wrong: the log has ${stored} there`);
  }

  /** What was known when something was asked lies before its answer: the log neither goes back nor hides what it has told. */
  function comesBehind(channel: string, where: string, { epoch, sequence }: Place, before: Known): void {
    const { epochs } = history.channel(channel);
    const newest = epochs.findLast((its) => before.has(its.epoch));
    if (newest !== undefined && epochs.indexOf(newest) > epochs.findIndex((its) => its.epoch === epoch))
      fail(`${where} is of an epoch before ${newest.epoch}, which was known when it was asked`);
    const least = before.get(epoch) ?? 0;
    if (sequence < least) fail(`${where} does not count ${least}, which was known when it was asked`);
  }

  function epochOf(channel: string, epoch: string): EpochHistory | undefined {
    return history.channel(channel).epochs.find((its) => its.epoch === epoch);
  }
}
