// push: sends one channel's outbox, one batch in flight, in order, and moves `sent` over whatever has its outcome.
import { Failure, failureToJson, isFailure, isFinal, toFailure } from '../failure.ts';
import type { CloudEvent } from '../event/cloudevent.ts';
import { utf8Length } from '../event/json.ts';
import type { Link } from '../ports/link.ts';
import type { OwnEvent, Position, Store } from '../ports/store.ts';
import type { World } from '../ports/world.ts';
import type { AppendResult } from '../protocol/results.ts';
import { createRest } from '../timing/rest.ts';
import type { Turns } from '../timing/turns.ts';
import { createBell } from '../timing/wait.ts';
import { answeredInTime } from './answer.ts';

/** Half of what a relay takes by default, in both measures, so that one batch never fills a slow uplink for long. */
const batchEventsMax = 500;
const batchBytesMax = 512 * 1024;
/** How often an event is refused with its whole body before that is final: no damage on the way strikes so often in a row. */
const blamesMin = 3;
/** How long a channel that the relay forbids is left alone before it is tried again. */
const forbiddenRetryMs = 60_000;

/** What the pusher tells of its doings. */
export interface PushEvents {
  /** Events have their outcome and left the outbox; of these, so many were refused. */
  confirmed(events: number, bytes: number, refused: number): void;
  /** The outbox was found empty. */
  idle(): void;
  /** The relay answered, or did not: undefined is an answer. */
  reached(failure: Failure | undefined): void;
  /** The relay forbids this channel, or lets it again. */
  forbidden(failure?: Failure): void;
  report(failure: Failure): void;
  /** The device's log is lost to this tab. */
  lost(failure: Failure): void;
}

/** One channel's way to the relay. */
export interface Pusher {
  /** There may be something to send. */
  wake(): void;
  /** The relay is there again: do not wait out a backoff. */
  resume(): void;
  /** The relay may be there again: wait for a first backoff at most. */
  hurry(): void;
}

/** Sends `channel`'s own events behind the `sent` on disk until the signal aborts. Its promise never rejects. */
export function startPush(parts: {
  readonly channel: string;
  readonly store: Store;
  readonly link: Link;
  readonly world: World;
  /** Waits until it is this channel's turn to ask the relay. */
  readonly inTurn: Turns;
  readonly events: PushEvents;
  readonly signal: AbortSignal;
}): Pusher & { readonly ended: Promise<void> } {
  const { channel, store, link, world, inTurn, events, signal } = parts;
  const rest = createRest(world);
  const news = createBell();
  let sent: Position | undefined;
  let limit = batchEventsMax;
  let blamed = { id: '', times: 0 };

  const ended = run();
  return {
    ended,
    wake: () => news.ring(),
    resume() {
      rest.end();
      news.ring();
    },
    hurry: () => rest.hurry(),
  };

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        const batch = await take();
        if (batch.length === 0) {
          events.idle();
          await news.wait(signal);
        } else if (!signal.aborted) await send(batch);
      } catch (error) {
        if (signal.aborted) return;
        const failure = toFailure(error);
        const atLeastMs = failure.details.retryAfterMs ?? 0;
        if (isFinal(failure)) return events.lost(failure);
        if (failure.name === 'Forbidden') {
          events.forbidden(failure);
          await rest.pause(forbiddenRetryMs, signal);
          // Another token may list the channel.
          link.renew();
          continue;
        }
        if (failure.name === 'Unauthenticated') link.renew();
        // A disk that fails, here or there, says nothing of the way to the relay; and where nothing is left to send, nobody
        // would say again that it is there.
        if (failure.name === 'StorageFailed') events.report(failure);
        else events.reached(failure);
        // What the relay asked for is waited out whatever happens; only our own part may be cut short.
        await rest.wait(signal, atLeastMs);
      }
    }
  }

  async function take(): Promise<readonly OwnEvent[]> {
    sent ??= (await store.state(channel)).channels[channel]?.sent ?? 0;
    const own = await store.own(channel, sent, limit);
    let bytes = 0;
    const end = own.findIndex(({ event }, index) => {
      bytes += sizeOf(event);
      return index > 0 && bytes > batchBytesMax;
    });
    return end < 0 ? own : own.slice(0, end);
  }

  async function send(batch: readonly OwnEvent[]): Promise<void> {
    const results = await push(batch);
    // Whoever was robbed of the lead moves no cursor: it stands where the next leader has brought it.
    if (results === undefined || signal.aborted) return;
    const last = batch.at(-1);
    if (last === undefined) return;
    const rejected = batch.flatMap(({ event }, index) => {
      const result = results[index];
      return result?.status === 'refused' ? [{ event, failure: result.failure }] : [];
    });
    // Committed before the cursor in memory moves: a failure here sends again, which the relay recognises.
    await store.confirm({ channel, sent: last.position, rejected });
    sent = last.position;
    limit = Math.min(batchEventsMax, limit * 2);
    rest.reset();
    events.forbidden();
    events.reached(undefined);
    for (const { event, failure } of rejected) {
      events.report(
        new Failure(failure.name, `the relay refused the event ${event.id} (${event.type}): ${failure.message}`),
      );
    }
    events.confirmed(
      batch.length,
      batch.reduce((sum, { event }) => sum + sizeOf(event), 0),
      rejected.length,
    );
  }

  /** A batch that is refused whole is halved, down to the event that is to blame; that one alone is refused for good. */
  async function push(batch: readonly OwnEvent[]): Promise<readonly AppendResult[] | undefined> {
    const half = Math.max(1, Math.floor(batch.length / 2));
    try {
      const cloudEvents = batch.map(({ event }) => event);
      return await inTurn(() => answeredInTime(world, signal, (its) => link.push(channel, cloudEvents, its)));
    } catch (error) {
      // Perhaps it was too much for the way there.
      if (isFailure(error, 'TimedOut')) limit = half;
      if (!isWholeRefusal(error)) throw error;
      const [only, ...others] = batch;
      if (only !== undefined && others.length === 0) {
        // Whatever stands between here and the relay may be mended; the event waits for that.
        if (error instanceof Failure && error.details.foreign === true) throw new Failure('Unreachable', error.message);
        // So is a body that was damaged on its way: the event is to blame once it is refused each time that it comes.
        blamed =
          only.event.id === blamed.id ? { id: blamed.id, times: blamed.times + 1 } : { id: only.event.id, times: 1 };
        if (blamed.times < blamesMin) return undefined;
        return [{ id: only.event.id, status: 'refused', failure: failureToJson(error, { stack: false }) }];
      }
      limit = half;
      return undefined;
    }
  }
}

function isWholeRefusal(error: unknown): boolean {
  return isFailure(error, 'TooLarge') || isFailure(error, 'InvalidEvent') || isFailure(error, 'InvalidRequest');
}

function sizeOf(event: CloudEvent): number {
  return utf8Length(JSON.stringify(event));
}
