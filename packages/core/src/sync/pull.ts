// pull: one stream for all channels, merged as it arrives, watched for silence, and taken up again where it broke.
import { Failure, isFinal, toFailure, type FailureName } from '../failure.ts';
import type { CloudEvent } from '../event/cloudevent.ts';
import type { Link } from '../ports/link.ts';
import type { Stop, World } from '../ports/world.ts';
import { heartbeatMs } from '../protocol/limits.ts';
import type { Frame } from '../protocol/frames.ts';
import type { Merger } from './merge.ts';
import { createRest } from '../timing/rest.ts';
import { createBell } from '../timing/wait.ts';

/** Two and a half heartbeats: one may be late, two are an outage. */
const silenceMs = 2.5 * heartbeatMs;
/** How long a stream must have lived for the next failure to count as the first: a relay that hangs up at once is no relay. */
const settledMs = 5000;
/** How long a channel that the relay refuses is left out before it is asked for again. */
const refusedRetryMs = 60_000;

/** How far a stream has come with a channel. */
export type SyncStep = 'started' | 'completed';

/** What the puller tells of its doings. */
export interface PullEvents {
  /** The relay answered, or did not: undefined is an answer. */
  reached(failure: Failure | undefined): void;
  /** The relay will not let this channel be read, or, without a failure, does again. */
  forbidden(channel: string, failure?: Failure): void;
  ephemeral(channel: string, event: CloudEvent): void;
  /** The relay has begun to tell of this channel; or what it held of it then is in the device's log. */
  synced(channel: string, step: SyncStep): void;
  /** The relay dropped ephemeral events on their way here. */
  dropped(channel: string, reason: string, events: number): void;
  report(failure: Failure): void;
  /** The device's log is lost to this tab. */
  lost(failure: Failure): void;
}

/** The device's stream. */
export interface Puller {
  /** The channels have changed: open the stream anew. */
  restart(): void;
  /** The relay is there again: do not wait out a backoff. */
  resume(): void;
  /** The relay may be there again: wait for a first backoff at most. */
  hurry(): void;
}

/** Pulls every channel of `mergers` until the signal aborts. Its promise never rejects. */
export function startPull(parts: {
  readonly mergers: ReadonlyMap<string, Merger>;
  readonly link: Link;
  readonly world: World;
  readonly events: PullEvents;
  readonly signal: AbortSignal;
}): Puller & { readonly ended: Promise<void> } {
  const { mergers, link, world, events, signal } = parts;
  const rest = createRest(world);
  const changed = createBell();
  /** Refused channels, and what ends their rest. */
  const refused = new Map<string, () => void>();
  /** What this stream's relay has said it dropped, by channel: it tells sums. */
  const dropped = new Map<string, number>();
  /** Where a channel's head was when this stream began, as long as it has not come there. */
  const heads = new Map<string, string>();
  /** Channels that have, with what is not on disk yet. */
  let caughtUp: string[] = [];
  let stream = new AbortController();
  let restarting = false;

  const ended = run();
  return { ended, restart, resume: () => rest.end(), hurry: () => rest.hurry() };

  function restart(): void {
    restarting = true;
    stream.abort();
    changed.ring();
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      restarting = false;
      const positions = new Map(
        [...mergers].flatMap(([name, merger]) => (refused.has(name) ? [] : [[name, merger.begin()]])),
      );
      if (positions.size === 0) {
        await changed.wait(signal);
        continue;
      }
      const atLeastMs = await read(positions);
      if (!restarting && atLeastMs !== undefined) await pauseFor(atLeastMs);
    }
    for (const stop of refused.values()) stop();
  }

  /** Reads until the stream ends. Answers how long the relay asks to be left alone; undefined: the next may begin at once. */
  async function read(positions: ReadonlyMap<string, string>): Promise<number | undefined> {
    stream = new AbortController();
    const either = AbortSignal.any([signal, stream.signal]);
    let stopWatch = watch(stream);
    let stopSettling: Stop | undefined;
    let atLeastMs = 0;
    dropped.clear();
    heads.clear();
    caughtUp = [];
    try {
      for await (const frames of link.pull(positions, either)) {
        stopWatch();
        for (const frame of frames) {
          if (frame.kind === 'drain') atLeastMs = frame.retryAfterMs;
          else await take(frame);
        }
        for (const merger of mergers.values()) await merger.flush();
        for (const channel of caughtUp.splice(0)) events.synced(channel, 'completed');
        if (stopSettling === undefined) events.reached(undefined);
        stopSettling ??= world.after(settledMs, () => rest.reset());
        stopWatch = watch(stream);
      }
    } catch (error) {
      if (signal.aborted || restarting) return undefined;
      const failure = either.aborted ? silent() : toFailure(error);
      if (isFinal(failure)) {
        events.lost(failure);
        return undefined;
      }
      // Another tab of this device reads too, where the platform has no locks: that is no trouble with the relay.
      if (failure.name === 'Fenced') return 0;
      atLeastMs = failure.details.retryAfterMs ?? 0;
      if (failure.name === 'Unauthenticated') link.renew();
      if (failure.name !== 'Unreachable') events.report(failure);
      events.reached(failure);
      return atLeastMs;
    } finally {
      stopWatch();
      stopSettling?.();
      stream.abort();
    }
    if (signal.aborted || restarting) return undefined;
    // A relay ends a stream on which it refuses every channel: it was reached, and has nothing to tell.
    if ([...positions.keys()].every((channel) => refused.has(channel))) return undefined;
    events.reached(new Failure('Unreachable', 'the relay ended the stream'));
    return atLeastMs;
  }

  async function take(frame: Exclude<Frame, { kind: 'drain' }>): Promise<void> {
    // A position tells how far a filter has passed events by; we ask for none.
    if (frame.kind === 'heartbeat' || frame.kind === 'position') return;
    const merger = mergers.get(frame.channel);
    if (merger === undefined) return;
    switch (frame.kind) {
      case 'connected':
        events.forbidden(frame.channel);
        events.synced(frame.channel, 'started');
        heads.set(frame.channel, frame.head);
        moved(frame.channel, frame.position);
        return merger.connected(frame.position, frame.head);
      case 'gap':
        moved(frame.channel, frame.position);
        return merger.gap({ missed: frame.missed, reason: frame.reason }, frame.position);
      case 'dropped':
        return takeDropped(frame.channel, frame.dropped['overflow'] ?? 0);
      case 'refused':
        return leaveOut(frame.channel, frame.name);
      case 'event':
        if (frame.offset === null) return events.ephemeral(frame.channel, frame.event);
        moved(frame.channel, frame.offset);
        return merger.add(frame.event, frame.offset, frame.size);
    }
  }

  function moved(channel: string, to: string): void {
    const head = heads.get(channel);
    if (head !== undefined && to >= head && heads.delete(channel)) caughtUp.push(channel);
  }

  /** Of what a relay drops, only this is told nowhere else: the rest are gaps. */
  function takeDropped(channel: string, overflow: number): void {
    const before = dropped.get(channel) ?? 0;
    dropped.set(channel, overflow);
    if (overflow > before) events.dropped(channel, 'overflow', overflow - before);
  }

  function leaveOut(channel: string, name: FailureName): void {
    events.forbidden(channel, new Failure(name, 'the relay refused to have it read; does the token list it?'));
    const stop = world.after(refusedRetryMs, () => {
      refused.delete(channel);
      // Another token may list it.
      link.renew();
      restart();
    });
    refused.set(channel, stop);
  }

  function watch(current: AbortController): () => void {
    return world.after(silenceMs, () => current.abort());
  }

  async function pauseFor(atLeastMs: number): Promise<void> {
    const woken = new AbortController();
    const either = AbortSignal.any([signal, woken.signal]);
    await Promise.race([rest.wait(either, atLeastMs), changed.wait(either)]);
    woken.abort();
  }
}

function silent(): Failure {
  return new Failure('Unreachable', `the stream was silent for ${silenceMs / 1000} s, without a heartbeat`);
}
