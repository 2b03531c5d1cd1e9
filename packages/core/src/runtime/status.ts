// How things stand, as snapshots: one object until something changes, then another.
import type { Failure } from '../failure.ts';
import type { KnownHandler } from '../durable/durable.ts';
import type { Gap } from '../protocol/frames.ts';
import type { EngineHello, EngineStatus } from './engine.ts';
import { given, need } from './given.ts';
import type { ChannelStatus, Counts, Readable, Status } from './runtime.ts';
import { subscription } from './subscription.ts';
import type { SchedulerState } from './tasks/types.ts';
import { tell } from './tell.ts';

/** How many gaps of a channel are remembered. */
const gapsMax = 16;

/** Counts what one tab sees. */
export interface Tally {
  published(events: number): void;
  refused(events: number): void;
  delivered(): void;
  failed(): void;
  dropped(reason: string, events: number): void;
  gap(channel: string, gap: Gap): void;
}

/** A tab's status, and what changes it. */
export interface StatusBoard {
  readonly status: Readable<Status>;
  readonly tally: Tally;
  update(status: Partial<EngineStatus> & { readonly tasks?: SchedulerState }): void;
}

/** Makes the board. Listeners hear once per tick, however much changed in it. */
export function createStatusBoard(parts: {
  readonly hello: EngineHello;
  readonly channels: readonly string[];
  readonly since: string;
  readonly tasks: SchedulerState;
  readonly report: (failure: Failure) => void;
}): StatusBoard {
  const { hello, channels, since, report } = parts;
  let engine = hello.status;
  let scheduler: SchedulerState = parts.tasks;
  const counts = { since, published: 0, refused: 0, delivered: 0, failed: 0 };
  const dropped: Record<string, number> = {};
  const gaps = new Map<string, readonly Gap[]>(channels.map((channel) => [channel, []]));
  const listeners = new Set<() => unknown>();
  let snapshot: Status | undefined;
  let telling = false;

  return {
    status: {
      get: () => (snapshot ??= take()),
      subscribe(listener, options = {}) {
        need(typeof listener === 'function', 'a listener is a function', listener);
        const { signal } = given(options);
        // A listener of its own each time, so that two equal callbacks are two subscriptions.
        const own = (): unknown => listener();
        const stop = (): void => {
          signal?.removeEventListener('abort', stop);
          listeners.delete(own);
        };
        if (signal?.aborted !== true) listeners.add(own);
        signal?.addEventListener('abort', stop, { once: true });
        return subscription(stop);
      },
    },
    tally: {
      published: (events) => change(() => (counts.published += events)),
      refused: (events) => change(() => (counts.refused += events)),
      delivered: () => change(() => (counts.delivered += 1)),
      failed: () => change(() => (counts.failed += 1)),
      dropped: (reason, events) => change(() => (dropped[reason] = (dropped[reason] ?? 0) + events)),
      gap: (channel, gap) => change(() => gaps.set(channel, [...(gaps.get(channel) ?? []), gap].slice(-gapsMax))),
    },
    update: ({ tasks = scheduler, ...next }) =>
      change(() => {
        scheduler = tasks;
        engine = { ...engine, ...next };
      }),
  };

  function change(apply: () => unknown): void {
    apply();
    snapshot = undefined;
    if (telling || listeners.size === 0) return;
    telling = true;
    void tellAll();
  }

  async function tellAll(): Promise<void> {
    await Promise.resolve();
    telling = false;
    // As they are now: one that leaves and comes back while it hears would be asked without end.
    for (const listener of new Set(listeners)) {
      if (listeners.has(listener)) void tell('a listener of the status', listener, report);
    }
  }

  function take(): Status {
    const { role, connection, pending, paused, trimmed } = engine;
    const { deviceId, storage } = hello;
    const named = new Set([...gaps.keys(), ...paused.keys()]);
    // A channel may be called `__proto__`.
    const byChannel: Record<string, ChannelStatus> = Object.create(null);
    for (const channel of named) {
      const failure = paused.get(channel) ?? null;
      byChannel[channel] = { gaps: gaps.get(channel) ?? [], paused: failure !== null, failure };
    }
    const tab: Counts = { ...counts, dropped: { ...dropped } };
    const handlers: Record<string, KnownHandler> = Object.create(null);
    for (const handler of engine.handlers) handlers[handler.name] = handler;
    return {
      role,
      connection,
      storage,
      deviceId,
      pending,
      counts: tab,
      channels: byChannel,
      tasks: scheduler,
      trimmed,
      handlers,
    };
  }
}
