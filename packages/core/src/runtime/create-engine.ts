// The core of one tab: records what it publishes, reads what the log gains, and talks to the relay while it leads.
import { Failure, toFailure } from '../failure.ts';
import { standForElection, type Election } from '../election/election.ts';
import type { Link } from '../ports/link.ts';
import type { Position, Retention } from '../ports/store.ts';
import type { DeviceStore } from '../ports/tasks.ts';
import type { OutboxGrowth, TabMessage, Tabs } from '../ports/tabs.ts';
import type { World } from '../ports/world.ts';
import { channelsPerConnectionMax } from '../protocol/limits.ts';
import { createAudience } from './audience.ts';
import type { Engine } from './engine.ts';
import { createEphemeral } from './ephemeral.ts';
import { createLeading, type Leading } from './leading.ts';
import { createOutbox, defaultOutboxLimits, type Outbox, type OutboxLimits } from './outbox.ts';
import { startReader, type Reader } from './reader.ts';
import { createReading } from './reading.ts';
import { createRecorder, type Recorder } from './recorder.ts';
import type { Status } from './runtime.ts';
import { createStanding, type Standing } from './standing.ts';
import { createTaskEngine, type TaskEngineOptions } from './task-engine.ts';
import { createTrimmer, defaultRetention } from './trimmer.ts';

/** A channel to read, and where a device begins that has never read it. */
export type ChannelFrom = readonly [name: string, from: 'earliest' | 'latest'];

/** What an engine is made of. */
export interface EngineParts {
  readonly store: DeviceStore;
  readonly storage: Status['storage'];
  readonly tabs: Tabs;
  /** Undefined: there is no relay, and nothing is kept for one. */
  readonly link: Link | undefined;
  readonly world: World;
  readonly channels: readonly ChannelFrom[];
  /** How much may wait for the relay; {@link defaultOutboxLimits} where a bound is not named. */
  readonly outboxLimits?: Partial<OutboxLimits> | undefined;
  readonly tasks?: TaskEngineOptions;
  /** How much of the log is kept; {@link defaultRetention} where a bound is not named. */
  readonly retention?: Partial<Retention> | undefined;
  /** Where this tab has read to already, if an engine before this one has read for it; else it begins at the log's head. */
  readonly after?: Position | undefined;
}

/** Makes an engine. It does nothing before `start`, and it owns its parts: `close` closes them. */
export function createEngine(parts: EngineParts): Engine {
  const { store, tabs, link, world } = parts;
  const life = new AbortController();
  const { signal } = life;
  const audience = createAudience(signal);
  const { report, dropped, deliver, listener } = audience;
  const tab = world.id();
  const reading = createReading(parts.channels);
  const outbox: Outbox = createOutbox({ ...defaultOutboxLimits, ...parts.outboxLimits }, () => standing.changed());
  const standing: Standing = createStanding({
    tabs,
    world,
    outbox: () => outbox,
    hasRelay: link !== undefined,
    term: () => election?.term ?? 0,
    others: () => ({ handlers: tasks.known, tasksPaused: tasks.paused, trimmed: trimmer.trimmed }),
    tell: audience.status,
  });
  const tasks = createTaskEngine({
    store,
    world,
    tab,
    tabs,
    channels: new Set(parts.channels.map(([name]) => name)),
    host: {
      run: (...args) => listener().run(...args),
      drop: (...args) => listener().drop(...args),
      finish: (...args) => listener().finish(...args),
      keys: (...args) => listener().keys(...args),
      alive: () => listener().alive(),
    },
    options: parts.tasks ?? {},
    head: known,
    report,
    lost,
    changed: tellStatus,
    signal,
  });
  const trimmer = createTrimmer({
    store,
    world,
    retention: { ...defaultRetention, ...parts.retention },
    isMine: () => standing.role !== 'follower',
    trimmed: tellStatus,
    report,
    signal,
  });
  const leading: Leading | undefined =
    link === undefined
      ? undefined
      : createLeading({
          store,
          tabs,
          link,
          world,
          source: () => source,
          reading,
          standing,
          outbox,
          grew,
          departed(tab) {
            read(tab, []);
            grew();
          },
          ephemeral: (channel, events) => ephemeral.tell(channel, events),
          synced(channel, step) {
            const time = new Date(world.now()).toISOString();
            const base = { specversion: '1.0', id: world.id(), source, type: `sync.${step}`, time } as const;
            ephemeral.tell(channel, [{ ...base, ephemeral: true, data: { channel } }], true);
          },
          dropped,
          lost,
          report,
        });
  const ephemeral = createEphemeral({
    tabs,
    isFollower: () => standing.role === 'follower',
    hasRelay: link !== undefined,
    sync: () => leading?.sync,
    deliver,
    dropped,
  });

  let source = '';
  let recorder: Recorder | undefined;
  let election: Election | undefined;
  let reader: Reader | undefined;
  /** The newest own event that was stored. */
  let newest: Position = 0;
  let ended: Promise<unknown> = Promise.resolve();
  let closing: Promise<void> | undefined;
  let failure: Failure | undefined;

  return {
    ...tasks.engine,
    async start(itsListener) {
      audience.begin(itsListener);
      // Before it owns anything: who waits for its end must find it alive.
      await tabs.live(tab);
      const state = await store.state();
      source = `urn:uuid:${state.deviceId}`;
      recorder = createRecorder({ store, world, outbound: link !== undefined, outbox, recorded, unsure });
      outbox.count(state);
      // A log that was lost begins again below.
      const after = Math.min(parts.after ?? state.head, state.head);
      reader = startReader({
        store,
        world,
        after,
        channels: parts.channels.map(([name]) => name),
        deliver: (batch) => itsListener.deliver(batch),
        report,
        lost,
        signal,
      });
      const stopHearing = tabs.hear(hear);
      tabs.announce({ kind: 'channels', tab, channels: parts.channels });
      if (leading !== undefined) election = standForElection({ tabs, world, lead: leading.lead, report, signal });
      ended = Promise.all([reader.ended, election?.ended]).finally(stopHearing);
      return { deviceId: state.deviceId, storage: parts.storage, after, status: standing.status() };
    },

    async record(drafts) {
      if (failure !== undefined) throw failure;
      if (signal.aborted || recorder === undefined)
        throw new Failure('Closed', 'the runtime is closed; create another');
      const durable = drafts.every((draft) => draft.durable) ? drafts : drafts.filter((draft) => draft.durable);
      const positions = durable.length === 0 ? [] : await recorder.record(durable);
      if (durable === drafts) return positions;
      for (const draft of drafts) if (!draft.durable) ephemeral.publish(draft);
      let next = 0;
      return drafts.map((draft) => (draft.durable ? (positions[next++] ?? null) : null));
    },

    async outcomes(items) {
      // The cursor first: what it has passed is refused by now, if it is.
      const [only, ...others] = new Set(items.map(({ channel }) => channel));
      const { channels } = await store.state(others.length === 0 ? only : undefined);
      const refused = await store.refusals(items.map(({ id }) => id));
      return items.map(({ channel, position }, index) =>
        position > (channels[channel]?.sent ?? 0) ? null : (refused[index] ?? 'relayed'),
      );
    },

    waiting: () => outbox.recount(store.state),

    async read(after, limit) {
      const run = await store.read(after, limit);
      if (run.entries.length > 0 || after <= known()) return run;
      const { head } = await store.state(parts.channels[0]?.[0]);
      // Of a log that was lost: nobody would hear of the next until as much has come.
      return after <= head ? run : { ...(await store.read(0, limit)), trimmed: true };
    },

    async setPaused(paused) {
      tabs.announce({ kind: 'pause', paused });
      setPaused(paused);
      if (!paused) hurry();
    },

    async hurry() {
      hurry();
    },

    async setVisible(visible) {
      election?.setVisible(visible);
      if (visible) hurry();
    },

    close() {
      closing ??= close(() => store.close());
      return closing;
    },

    destroy() {
      closing = close(() => store.destroy());
      return closing;
    },
  };

  async function close(release: () => Promise<void>): Promise<void> {
    if (failure === undefined) await tasks.engine.stopTasks(0);
    life.abort();
    standing.stop();
    await ended;
    tabs.announce({ kind: 'channels', tab, channels: [] });
    tabs.close();
    await release();
  }

  /** Up to here the log has grown, at least. */
  function known(): Position {
    return Math.max(newest, reader?.cursor ?? 0);
  }

  /** Without its log a tab can do nothing; it must not stand in the way of those that can. */
  function lost(why: Failure): void {
    if (signal.aborted) return;
    failure = why;
    report(why);
    standing.setConnection('closed');
    standing.stop();
    life.abort();
  }

  /** Of all tabs one talks to the relay. */
  function hurry(): void {
    if (standing.role === 'follower') tabs.announce({ kind: 'hurry' });
    else leading?.hurry();
  }

  function setPaused(paused: boolean): void {
    if (leading !== undefined && standing.setPaused(paused)) leading.reconsider();
  }

  function recorded(firsts: readonly Position[], upTo: Position, growth: readonly OutboxGrowth[]): void {
    newest = Math.max(newest, upTo);
    for (const first of firsts) reader?.recorded(first);
    tellGrowth(growth);
  }

  /** The log has grown by what the relay sent, or by something that nobody has told yet, perhaps of these channels' outboxes. */
  function grew(channels: readonly string[] = []): void {
    reader?.wake();
    tellGrowth(channels.map((channel) => ({ channel, events: 0, bytes: 0 })));
  }

  /** What was kept though its answer was lost is handled and sent like any other. */
  function unsure(channels: readonly string[]): void {
    if (!signal.aborted) grew(channels);
  }

  function tellGrowth(outboxGrowth: readonly OutboxGrowth[]): void {
    tabs.announce({ kind: 'grew', outbox: outboxGrowth, upTo: newest });
    useGrowth(outboxGrowth);
  }

  function useGrowth(outboxGrowth: readonly OutboxGrowth[]): void {
    tasks.wake();
    trimmer.grew();
    for (const { channel } of outboxGrowth) leading?.wake(channel);
  }

  function tellStatus(): void {
    audience.status(standing.status());
  }

  function hear(message: TabMessage): void {
    if (signal.aborted) return;
    const isCurrent = election?.hear(message);
    switch (message.kind) {
      case 'grew':
        outbox.grow(message.outbox, message.upTo);
        reader?.wake();
        useGrowth(message.outbox);
        break;
      case 'channels':
        read(message.tab, message.channels);
        leading?.heard(message.tab, message.channels.length > 0);
        // The tab that said so wants to know how the leader stands.
        standing.changed();
        break;
      case 'leader':
        tabs.announce({ kind: 'channels', tab, channels: parts.channels });
        break;
      case 'leader-news':
        if (isCurrent === true) standing.hear(message.news);
        break;
      case 'pause':
        setPaused(message.paused);
        break;
      case 'hurry':
        if (standing.role === 'leader') leading?.hurry();
        break;
      case 'tasks':
      case 'pause-tasks':
        tasks.hear(message);
        break;
      case 'ephemeral':
        ephemeral.hear(message);
        break;
    }
  }

  function read(its: string, channels: readonly (readonly [name: string, from: string])[]): void {
    const { added, removed, tooMany } = reading.hear(its, channels);
    for (const name of removed) leading?.sync?.leave(name);
    for (const [name, from] of added) {
      leading?.sync?.read(name, from).catch((error: unknown) => report(toFailure(error)));
    }
    if (tooMany) {
      const message = `this device's tabs read more than ${channelsPerConnectionMax} channels; the last wait: close some tabs`;
      report(new Failure('InvalidOptions', message));
    }
  }
}
