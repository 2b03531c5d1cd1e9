// The relay of a simulated world: it is killed and started again over the same logs, drained, trimmed, and forbids channels.
import type { ChannelStat } from '../../feed/channel.ts';
import { createChannels, type ServedChannels } from '../../feed/channels.ts';
import type { Present } from '../../feed/presence.ts';
import { createMemoryLink } from '../../memory/link.ts';
import { createMemoryLogs } from '../../memory/log.ts';
import type { Failure } from '../../failure.ts';
import type { Link } from '../../ports/link.ts';
import type { Log, Logs } from '../../ports/log.ts';
import type { World } from '../../ports/world.ts';
import { defaultLimits } from '../../protocol/limits.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { createLife, type Life } from './life.ts';
import type { SimRelayEnd } from './link.ts';
import { createSimLogs, type AppendCounts } from './logs.ts';
import type { CallParts } from './store.ts';
import type { Subscribe } from './stranger.ts';
import { createSimWorld } from './world.ts';

/** A relay, and what may be done to it. */
export interface SimRelay extends SimRelayEnd {
  /** What is stored, whoever runs. */
  readonly logs: Logs;
  start(): void;
  /** As by SIGKILL: nothing is said, and nothing under way is finished. */
  kill(): void;
  /** Tells its readers to come back, and ends. */
  drain(): Promise<void>;
  /** Forgets a channel: it begins anew, in another epoch. */
  recreate(channel: string): Promise<void>;
  /** Puts back what all channels held at the last backup, in new epochs; the first call only makes one. Answers whether it did. */
  restore(): boolean;
  /** Keeps only so much of a channel, as a share of what it holds. */
  trim(channel: string, share: number): Promise<void>;
  forbid(channel: string): void;
  allow(channel: string): void;
  /** Whether it ever was. */
  wasForbidden(channel: string): boolean;
  /** A channel in numbers, by whoever runs now. */
  stat(channel: string): Promise<ChannelStat | undefined>;
  /** Who is on a channel. */
  presence(channel: string): Promise<readonly Present[] | undefined>;
  /** Reads it by hand. */
  readonly subscribe: Subscribe;
  /** Says something to whoever is there, so many times, that nobody stores. */
  shout(channel: string, times: number): void;
  close(): Promise<void>;
  /** Ends whatever is left of it. */
  bury(): void;
}

interface Running {
  readonly life: Life;
  readonly channels: ServedChannels;
  readonly ledger: Ledger;
  readonly up: NonNullable<SimRelayEnd['up']>;
  readonly end: AbortController;
}

/** How long after a drain a reader is asked to come back, in milliseconds. */
const drainRetryMs = 1000;

/** Starts a relay. */
export function createSimRelay(
  parts: Omit<CallParts, 'life' | 'base'> & {
    /** The world that the relay lives in. */
    readonly base: World;
    /** When what is under way comes to its end. */
    readonly later: Pick<World, 'after'>;
    readonly elapsed: () => number;
    readonly ringBytes: number;
    readonly retentionEvents: number;
    readonly opened: (channel: string, log: Log) => Promise<void>;
    readonly trimmed: (channel: string, events: number) => void;
    readonly appended: (channel: string, counts: AppendCounts) => void;
    /** Holds what clients are told against what is so. */
    readonly watch: (link: Link) => Link;
    readonly fail: (message: string) => void;
    readonly report: (failure: Failure) => void;
  },
): SimRelay {
  const { base, dice, elapsed, opened, trimmed, appended, watch } = parts;
  const stored = createMemoryLogs(base);
  const forbidden = new Set<string>();
  const everForbidden = new Set<string>();
  const past: Life[] = [];
  let running: Running | undefined;
  let putBack: (() => void) | undefined;
  let shouted = 0;
  start();

  return {
    logs: stored,
    get up() {
      return running?.up;
    },
    isForbidden: (channel) => forbidden.has(channel),
    start,
    kill,
    async drain() {
      const last = running;
      last?.channels.drain(() => drainRetryMs);
      running = undefined;
      await last?.channels.close();
      last?.life.kill();
      last?.end.abort();
    },
    async recreate(channel) {
      if (running === undefined) await stored.remove(channel);
      else await running.channels.channel(channel).remove();
    },
    restore() {
      const its = putBack;
      if (its === undefined) putBack = stored.backUp();
      else {
        kill();
        its();
        putBack = undefined;
      }
      return its !== undefined;
    },
    async trim(channel, share) {
      const log = await stored.open(channel);
      const { bytes } = await log.stat();
      const events = await log.trim({ before: 0, bytesMax: Math.floor(bytes * share) });
      if (events > 0) trimmed(channel, events);
      await log.close();
    },
    forbid(channel) {
      forbidden.add(channel);
      everForbidden.add(channel);
    },
    wasForbidden: (channel) => everForbidden.has(channel),
    allow: (channel) => void forbidden.delete(channel),
    async stat(channel) {
      const stat = await running?.channels.channel(channel).stat();
      if (stat !== undefined) running?.ledger.check(channel, stat);
      return stat;
    },
    presence: async (channel) => running?.channels.channel(channel).presence(),
    subscribe(channel, query) {
      const its = running;
      if (its === undefined) return undefined;
      const { signal } = its.end;
      const attach = its.channels.channel(channel).subscribe?.(query);
      if (attach === undefined) return undefined;
      // A relay that is killed answers nothing, and its connections break.
      const broken = new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
      return Promise.race([attach.then((found) => ({ attach: found, signal })), broken]);
    },
    shout(channel, times) {
      const items = Array.from({ length: times }, () => {
        shouted += 1;
        const base = { specversion: '1.0', source: '/stranger', type: 'stranger.shouted', ephemeral: true } as const;
        return { event: { ...base, id: String(shouted) } };
      });
      // A relay that is just ending takes nothing.
      running?.channels
        .channel(channel)
        .append(items)
        .catch(() => undefined);
    },
    async close() {
      await running?.channels.close();
      running = undefined;
    },
    bury() {
      kill();
      for (const life of past) life.bury();
    },
  };

  function start(): void {
    if (running !== undefined) return;
    const life = createLife(elapsed);
    const world = createSimWorld({ base, life, seed: dice.whole(1, 2 ** 31) });
    // Where the ring is small, so is what a reader takes at once: it falls behind, and is served from the log.
    const sinkBytes = parts.ringBytes < defaultLimits.ringBytes ? 1 : parts.ringBytes;
    const ledger = createLedger({ sinkBytes, fail: (message) => life.isDead() || parts.fail(message) });
    const logs = ledger.hear(createSimLogs(stored, { ...parts, base: parts.later, life, opened, trimmed, appended }));
    const { ringBytes, retentionEvents } = parts;
    const limits = { ...defaultLimits, ringBytes, retentionEvents };
    const channels = ledger.watch(createChannels({ logs, world, limits, report: parts.report }));
    const end = new AbortController();
    running = { life, channels, ledger, end, up: { link: watch(createMemoryLink(channels)), signal: end.signal } };
  }

  function kill(): void {
    const last = running;
    if (last !== undefined) past.push(last.life);
    running = undefined;
    last?.life.kill();
    last?.end.abort();
    // Its process is gone: what closing would wait for never comes.
    last?.channels.close().catch(() => undefined);
  }
}
