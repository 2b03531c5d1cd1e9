// A channel's events on their way to a topic: a subscriber like any other, whose place moves when the broker has acknowledged.
import { Failure, toFailure, type Tell, type World } from '@godwit/core';
import type { Channels, Sink } from '@godwit/core/feed';
import { openReading, type Reading } from '../transports/attach.ts';
import { createTranscode } from '../transports/socket/messages.ts';
import { markOf, takenAt } from './marks.ts';
import type { Position } from './position.ts';

/** One channel's way out. */
export interface Outbound {
  /** The broker is there, and has what was under way when it went. */
  online(): void;
  offline(): void;
  /** Sends no more. Resolves when what is under way is acknowledged, or is given up. */
  stop(): Promise<void>;
}

/** Publishes; resolves when the broker has acknowledged, or, without a guarantee, once it is written. */
export type PublishTo = (topic: string, payload: string, qos: 0 | 1) => Promise<void>;

/** Events under way to the broker: a slow one is waited for with these, and everything else waits in the log. */
const inFlightMax = 64;
/** A reading that ended, as when the disk did not answer, begins anew after this. */
const reopenAfterMs = 1000;
/** What is under way when the relay ends has so long. */
const graceMs = 2000;

/** What was sent, or passed by, in the log's order. */
interface Passed {
  readonly offset: string;
  isOver: boolean;
}

/** A message of `createTranscode`. */
interface Told {
  readonly event?: string;
  readonly id?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** Makes it. It stands at its place from now on, and sends when the broker is there. */
export function createOutbound(parts: {
  readonly channel: string;
  readonly topic: string;
  readonly channels: Channels;
  readonly clientId: string;
  readonly position: Position;
  readonly publish: PublishTo;
  readonly world: Pick<World, 'after'>;
  readonly tell: Tell;
}): Outbound {
  const { channel, topic, channels, clientId, position, publish, world, tell } = parts;
  const transcode = createTranscode();
  let reading: Reading | undefined;
  let passed: Passed[] = [];
  let inFlight = 0;
  /** What an earlier reading has sent counts no more: it is sent again. */
  let turn = 0;
  let isOpening = false;
  let isOnline = false;
  let isStopped = false;
  let stopTimer: (() => void) | undefined;
  let settled: (() => void) | undefined;
  void open();

  return {
    online() {
      isOnline = true;
      reading?.resume();
    },
    offline() {
      isOnline = false;
    },
    async stop() {
      isStopped = true;
      stopTimer?.();
      reading?.detach();
      if (isOnline && inFlight > 0) {
        await new Promise<void>((resolve) => {
          settled = resolve;
          stopTimer = world.after(graceMs, resolve);
        });
        stopTimer?.();
      }
      turn += 1;
      position.save();
    },
  };

  async function open(): Promise<void> {
    if (isOpening || isStopped) return;
    isOpening = true;
    try {
      const attach = await openReading(channels.channel(channel), {
        after: position.offset ?? 'latest',
        types: [],
        // What came by the bridge does not go back.
        attributes: [{ name: takenAt, values: [] }],
        heartbeat: true,
      });
      turn += 1;
      [passed, inFlight] = [[], 0];
      if (!isStopped) reading = attach(sinkOf(turn));
    } catch (error) {
      tell(error, { channel, topic }, 'warn');
      reopen();
    }
    isOpening = false;
  }

  function reopen(): void {
    reading = undefined;
    stopTimer?.();
    if (!isStopped) stopTimer = world.after(reopenAfterMs, () => void open());
  }

  function sinkOf(its: number): Sink {
    return {
      send(frames) {
        for (const text of transcode(frames)) take(its, JSON.parse(text));
        return isOnline && inFlight < inFlightMax;
      },
      close: () => void (its === turn && reopen()),
    };
  }

  function take(its: number, { event, id, data }: Told): void {
    if (event === undefined) {
      const payload = JSON.stringify({ ...data, ...markOf(clientId) });
      if (id === undefined) {
        // Nobody waits for an ephemeral event, here as elsewhere.
        publish(topic, payload, 0).catch(() => undefined);
      } else void send(its, payload, id);
      return;
    }
    if (event === 'gap') {
      const { missed, reason } = data ?? {};
      const number = typeof missed === 'number' ? missed : 'an unknown number of';
      const message = `${number} events of "${channel}" were not published to ${topic}: they are no longer held (${String(reason)})`;
      tell(new Failure('NotFound', message), { channel, topic }, 'warn');
    }
    // The first place of all is kept at once: what comes from here on goes out, whenever the broker is there.
    if (id !== undefined) pass({ offset: id, isOver: true });
    if (event === 'connected') position.save();
  }

  async function send(its: number, payload: string, offset: string): Promise<void> {
    const one = { offset, isOver: false };
    inFlight += 1;
    pass(one);
    try {
      await publish(topic, payload, 1);
    } catch (error) {
      if (its !== turn || isStopped) return;
      // Never sent, or nobody knows: from the last that was acknowledged on, again.
      tell(toFailure(error, 'Unreachable'), { channel, topic }, 'warn');
      turn += 1;
      reading?.detach();
      reopen();
      return;
    }
    if (its !== turn) return;
    one.isOver = true;
    inFlight -= 1;
    move();
    if (inFlight === 0) settled?.();
    if (isOnline && inFlight < inFlightMax) reading?.resume();
  }

  function pass(one: Passed): void {
    passed.push(one);
    move();
  }

  /** Up to the first that is not acknowledged. */
  function move(): void {
    for (let first = passed[0]; first?.isOver === true; first = passed[0]) {
      position.move(first.offset);
      passed.shift();
    }
  }
}
