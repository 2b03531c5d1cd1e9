// A tab's way to the relay in a simulated world: calls are cut, doubled and held up, and streams break wherever they may.
import { Failure } from '../../failure.ts';
import type { CloudEvent } from '../../event/cloudevent.ts';
import type { Link } from '../../ports/link.ts';
import type { Frame } from '../../protocol/frames.ts';
import type { AppendResult } from '../../protocol/results.ts';
import { aborted } from '../../timing/wait.ts';
import { passed, type CallParts } from './store.ts';

/** The relay as a way to it sees it. */
export interface SimRelayEnd {
  /** A link to the relay that runs now, and what aborts when that one is gone; undefined while there is none. */
  readonly up: { readonly link: Link; readonly signal: AbortSignal } | undefined;
  isForbidden(channel: string): boolean;
}

/** The longest that anything is on its way, in milliseconds. */
const slowMsMax = 8000;
/** The longest that nobody reads a stream, in milliseconds: longer than a heartbeat is waited for. */
const stalledMsMax = 90_000;

const pushKinds = [
  'link.push-cut',
  'link.push-answer-lost',
  'link.push-slow',
  'link.push-doubled',
  'link.push-hangs',
  'tab.killed-in-call',
  'tab.frozen-in-call',
] as const;
const streamKinds = [
  'link.stream-cut',
  'link.stream-cut-within',
  'link.stream-half-open',
  'link.stream-slow',
  'link.stream-stalled',
] as const;

/** Makes a tab's link to a relay that comes and goes. */
export function createSimLink(relay: SimRelayEnd, parts: CallParts & { readonly asks?: () => void }): Link {
  const { life, faults, dice, base, asks } = parts;
  const death = new AbortController();
  life.onDeath(() => death.abort());

  return {
    push: (channel, events, signal) => life.gate(push(channel, events, AbortSignal.any([signal, death.signal]))),
    pull(positions, signal) {
      // What a tab's death cuts, the tab does not hear of.
      const frames = pull(positions, AbortSignal.any([signal, death.signal]));
      // Nobody takes its frames any more, nor says so.
      const stopMourning = life.onDeath(() => void frames.return(undefined));
      return {
        [Symbol.asyncIterator]: () => ({
          next: () => life.gate(frames.next()),
          return: async () => {
            stopMourning();
            void frames.return(undefined);
            return { done: true, value: undefined };
          },
        }),
      };
    },
    renew: () => undefined,
  } satisfies Link;

  async function push(
    channel: string,
    events: readonly CloudEvent[],
    signal: AbortSignal,
  ): Promise<readonly AppendResult[]> {
    asks?.();
    const kind = faults.strike('link.push', pushKinds);
    switch (kind) {
      case 'link.push-cut':
        throw cut('before it arrived');
      case 'link.push-answer-lost':
        await append(channel, events, signal);
        throw cut('and the answer was lost');
      case 'link.push-hangs':
        if (dice.chance(0.5)) await append(channel, events, signal);
        await aborted(signal);
        throw cut('and nobody answered');
      case 'link.push-slow': {
        const isBefore = dice.chance(0.5);
        const ms = dice.whole(1, slowMsMax);
        if (isBefore) {
          // What is on its way arrives, also when nobody waits for its answer any more.
          const arrived = passed(base, ms).then(() => append(channel, events, forever));
          arrived.catch(() => undefined);
          return await abortable(arrived, signal);
        }
        const results = await append(channel, events, signal);
        await abortable(passed(base, ms), signal);
        return results;
      }
      case 'link.push-doubled': {
        const again = passed(base, dice.whole(0, slowMsMax)).then(() => append(channel, events, death.signal));
        again.catch(() => undefined);
        return append(channel, events, signal);
      }
      case 'tab.killed-in-call':
        if (dice.chance(0.5)) await append(channel, events, signal);
        life.kill();
        return life.never();
      case 'tab.frozen-in-call':
        life.freeze();
        base.after(dice.whole(100, 60_000), () => life.thaw());
        return append(channel, events, signal);
      default:
        return append(channel, events, signal);
    }
  }

  async function append(
    channel: string,
    events: readonly CloudEvent[],
    signal: AbortSignal,
  ): Promise<readonly AppendResult[]> {
    const { up } = relay;
    if (up === undefined) throw new Failure('Unreachable', 'there is no relay');
    if (relay.isForbidden(channel)) throw new Failure('Forbidden', `the relay forbids "${channel}", for a while`);
    return up.link.push(channel, events, AbortSignal.any([signal, up.signal]));
  }

  async function* pull(
    positions: ReadonlyMap<string, string>,
    signal: AbortSignal,
  ): AsyncGenerator<readonly Frame[], undefined> {
    asks?.();
    const { up } = relay;
    if (faults.strike('link.pull', ['link.pull-cut']) !== undefined) throw cut('before the stream began');
    if (up === undefined) throw new Failure('Unreachable', 'there is no relay');
    const open = new Map([...positions].filter(([channel]) => !relay.isForbidden(channel)));
    const refused = [...positions.keys()]
      .filter((channel) => !open.has(channel))
      .map((channel): Frame => ({ kind: 'refused', channel, name: 'Forbidden' }));
    if (refused.length > 0) yield refused;
    if (open.size === 0) return;
    const either = AbortSignal.any([signal, up.signal]);
    for await (const frames of up.link.pull(open, either)) {
      switch (faults.strike('link.stream', streamKinds)) {
        case 'link.stream-cut':
          throw cut('in the midst of the stream');
        case 'link.stream-cut-within': {
          const some = frames.slice(0, dice.whole(0, frames.length - 1));
          if (some.length > 0) yield some;
          throw cut('within a frame');
        }
        case 'link.stream-half-open':
          await aborted(signal);
          throw cut('and nothing more came');
        case 'link.stream-slow':
          await abortable(passed(base, dice.whole(1, slowMsMax)), either);
          yield frames;
          break;
        case 'link.stream-stalled':
          // Nobody asks for more: what comes meanwhile the relay keeps, or tells as a gap.
          await abortable(passed(base, dice.whole(slowMsMax, stalledMsMax)), either);
          yield frames;
          break;
        default:
          yield frames;
      }
    }
  }
}

function cut(how: string): Failure {
  return new Failure('Unreachable', `the connection was cut, by chance, ${how}`);
}

/** Nobody aborts what is on the wire. */
const forever: AbortSignal = new AbortController().signal;

/** Rejects as soon as the signal aborts. */
async function abortable<Answer>(answer: Promise<Answer>, signal: AbortSignal): Promise<Answer> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(cut('since the call was aborted'));
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([promise, answer]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
