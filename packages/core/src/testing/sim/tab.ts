// One tab of a simulated world: the real runtime over simulated ports, with an application that keeps account of what it hears.
import type { CloudEvent } from '../../event/cloudevent.ts';
import { defineEvent, defineEvents, type EventDefinition } from '../../event/define.ts';
import { RetryAfterError } from '../../durable/errors.ts';
import { payload } from '../../event/schema.ts';
import type { Failure } from '../../failure.ts';
import { createEngine } from '../../runtime/create-engine.ts';
import type { Engine } from '../../runtime/engine.ts';
import { createHandle } from '../../runtime/create-handle.ts';
import type { Delivered, Receipt, Runtime } from '../../runtime/runtime.ts';
import type { DeviceStore } from '../../ports/tasks.ts';
import type { Tabs } from '../../ports/tabs.ts';
import type { Disk, NoteData } from './device.ts';
import type { Dice } from './dice.ts';
import { createEars, type Hearing } from './ears.ts';
import type { Life } from './life.ts';
import { createSimLink, type SimRelayEnd } from './link.ts';
import type { Plan } from './plan.ts';
import { createSimStore, passed, type CallParts } from './store.ts';
import type { SimWorld } from './world.ts';

/** The application's events. */
export type NoteEvents = {
  readonly 'note.made': EventDefinition<'note.made', NoteData, NoteData>;
  /** Told only, never stored. */
  readonly 'note.whispered': EventDefinition<'note.whispered', NoteData, NoteData>;
};

const events: NoteEvents = defineEvents({
  'note.made': payload<NoteData>(),
  'note.whispered': payload<NoteData>(),
});

/** The next release's: it lifts what the one before has written, which knows nothing of it. */
const nextEvents: NoteEvents = defineEvents({
  'note.made': defineEvent('note.made', { version: 2, schema: payload<NoteData>(), upcast: { 1: (old) => old } }),
  'note.whispered': payload<NoteData>(),
});

/** Which release a tab is of. */
export type Release = 1 | 2;

/** Whether a release understands an event of the log. */
export function understands(release: Release, { dataschemaversion }: CloudEvent): boolean {
  return release === 2 || dataschemaversion !== '2';
}

/** One run of a durable handler. */
export interface Run {
  readonly tab: SimTab;
  readonly handler: string;
  /** Events of one key never run at the same time; null: this one has none. */
  readonly key: string | null;
  readonly signal: AbortSignal;
}

/** A tab. */
export interface SimTab {
  readonly name: string;
  readonly release: Release;
  readonly life: Life;
  readonly world: SimWorld;
  readonly disk: Disk;
  /** Undefined before it has opened. */
  readonly runtime: Runtime<NoteEvents> | undefined;
  /** Whether it was told to close, and whether it has. */
  readonly closing: 'no' | 'under way' | 'done';
  /** Why it could not be opened, or lost its log. */
  readonly failure: unknown;
  /** What its live handlers have heard, each time that it listened. */
  readonly hearings: readonly Hearing[];
  /** Its live handlers hear from now on, if they did not. */
  listen(): void;
  publish(channel: string, more?: Pick<NoteData, 'retryAfterMs'>): void;
  /** Tells all that are there; answers what. */
  whisper(channel: string): string | undefined;
  /** Trims the device's log, as a tab does when it has grown. */
  trim(): void;
  /** How often it heard each whisper. */
  readonly whispers: ReadonlyMap<string, number>;
  /** What happened here, as its status ought to say it. */
  readonly counts: Readonly<Record<'published' | 'refused' | 'delivered' | 'failed', number>>;
  close(): void;
  /** Whether somebody looks at it. */
  readonly isVisible: boolean;
  show(isVisible: boolean): void;
}

/** Beyond this age, in milliseconds, nothing stays in a device's log. */
const retainedMs = 7_000_000;
/** How many segments a step of trimming looks at: few, so that it takes several. */
const segmentsPerTrim = 8;

/** How often a durable handler tries. */
export const attemptsMax = 4;
/** Which durable handlers every tab has. */
export const handlerNames = ['plain', 'keyed', 'relayed'] as const;

/** What the application keeps account of beside what each tab hears. */
export interface Account {
  /** `publish` has said that the event is stored. */
  acknowledged(tab: SimTab, channel: string, id: string, position: number | null): void;
  refused(tab: SimTab, error: unknown): void;
  /** A durable handler begins with an event. Answers what is to be called once it has handled it. */
  begins(run: Run, event: Delivered<string, NoteData>): { handled(): void; left(): void };
  reported(tab: SimTab, failure: Failure): void;
  /** A whisper has a place in the log. */
  stored(tab: SimTab, whisper: NoteData): void;
  /** The tab was told that another has taken a handler over. */
  fenced(tab: SimTab, handler: string): void;
  /** The tab asks something of the relay. */
  asks(tab: SimTab): void;
}

/** The key of the handler that has keys. */
function keyOf({ n }: NoteData): string {
  return String(n % 3);
}

/** Opens a tab. It is there at once, and its runtime once its disk has answered. */
export function openTab(
  parts: CallParts & {
    readonly name: string;
    readonly release: Release;
    readonly disk: Disk;
    readonly store: (inner: DeviceStore) => DeviceStore;
    readonly isFull: () => boolean;
    readonly tabs: (isVisible: () => boolean) => Tabs;
    readonly isVisible: boolean;
    readonly world: SimWorld;
    readonly relay: SimRelayEnd;
    readonly plan: Plan;
    readonly account: Account;
    /** Of its ears, so that worlds without them go the same way. */
    readonly earDice: Dice;
  },
): SimTab {
  const { name, release, disk, life, faults, dice, base, world, relay, plan, account } = parts;
  const retention = { ageMs: retainedMs, eventsMax: plan.keptMax };
  let runtime: Runtime<NoteEvents> | undefined;
  let store: DeviceStore | undefined;
  let closing: SimTab['closing'] = 'no';
  let failure: unknown;
  const numbers = new Map<string, number>();
  const whispers = new Map<string, number>();
  const counts = { published: 0, refused: 0, delivered: 0, failed: 0 };
  let whispered = 0;
  let { isVisible } = parts;
  let engine: Engine | undefined;
  const ears = createEars({
    call: { life, faults, base, dice: parts.earDice },
    channels: plan.channels,
    isOpen: () => runtime !== undefined && closing === 'no',
    head: () => disk.entries().at(-1)?.position ?? 0,
    gone: () => disk.facts.gone.size,
    start: hearAll,
  });

  const tab: SimTab = {
    name,
    release,
    life,
    world,
    disk,
    get runtime() {
      return runtime;
    },
    get closing() {
      return closing;
    },
    get failure() {
      return failure;
    },
    hearings: ears.hearings,
    listen: () => ears.listen(),
    whispers,
    counts,
    trim() {
      if (life.state === 'alive') void trim();
    },
    whisper(channel) {
      if (runtime === undefined || life.state !== 'alive') return undefined;
      whispered += 1;
      const data = { n: whispered, tab: name };
      runtime.publish('note.whispered', data, { channel, durable: false }).then(
        () => (counts.published += 1),
        (error: unknown) => refused(error),
      );
      return `${name} ${whispered}`;
    },
    publish(channel, more = {}) {
      if (runtime === undefined || life.state !== 'alive') return;
      const n = (numbers.get(channel) ?? 0) + 1;
      numbers.set(channel, n);
      ears.stir();
      runtime.publish('note.made', { n, tab: name, ...more }, { channel }).then(
        (receipt) => published(channel, receipt),
        (error: unknown) => refused(error),
      );
    },
    get isVisible() {
      return isVisible;
    },
    show(next) {
      // A person sees only a tab that runs; that one hears of it at once.
      if (life.state !== 'alive') return;
      isVisible = next;
      void engine?.setVisible(isVisible);
    },
    close() {
      if (runtime === undefined || closing !== 'no') return;
      closing = 'under way';
      disk.facts.shutdowns += 1;
      runtime.close().then(
        () => (closing = 'done'),
        (error: unknown) => (failure = error),
      );
    },
  };
  if (release === 1) disk.facts.hadOlder = true;
  void open();
  return tab;

  function published(channel: string, { id, position }: Receipt): void {
    counts.published += 1;
    account.acknowledged(tab, channel, id, position);
  }

  function refused(error: unknown): void {
    counts.refused += 1;
    account.refused(tab, error);
  }

  async function open(): Promise<void> {
    const options = { scheduler: plan.scheduler, batch: plan.batch };
    store = told(createSimStore(parts.store(disk.open(world)), parts));
    const link = createSimLink(relay, { ...parts, asks: () => account.asks(tab) });
    const its = createEngine({
      store,
      storage: 'memory',
      tabs: parts.tabs(() => isVisible),
      link,
      world,
      channels: plan.channels.map((channel) => [channel, plan.from]),
      tasks: options,
      retention,
    });
    try {
      const opened = await createHandle({
        engine: ears.across(its),
        events: release === 1 ? events : nextEvents,
        world,
        channels: plan.channels,
        tasks: options,
        report: (its) => account.reported(tab, its),
      });
      engine = its;
      void engine.setVisible(isVisible);
      runtime = opened;
      ears.open();
      define(opened);
    } catch (error) {
      failure = error;
    }
  }

  async function trim(): Promise<void> {
    const request = { ...retention, bytesMax: Infinity, segmentsMax: segmentsPerTrim };
    const its = store;
    if (its === undefined) return;
    try {
      for (let more = true; more;) ({ more } = await its.trim({ ...request, now: world.now() }));
    } catch {
      // A log that is too long is no loss.
    }
  }

  function told(store: DeviceStore): DeviceStore {
    return {
      ...store,
      async advance(step) {
        const answer = await store.advance(step);
        if (answer === 'fenced') account.fenced(tab, step.handler);
        return answer;
      },
    };
  }

  /** Everything that a live handler may ask for; answers what ends it. */
  function hearAll(heard: Parameters<Parameters<typeof createEars>[0]['start']>[0]): () => void {
    if (runtime === undefined) return () => undefined;
    const its = runtime;
    const stops = [
      its.on('note.whispered', ({ data, position }) => {
        counts.delivered += 1;
        if (position !== null) account.stored(tab, data);
        const text = `${data.tab} ${data.n}`;
        whispers.set(text, (whispers.get(text) ?? 0) + 1);
      }),
      its.on(
        'note.made',
        (event) => {
          heard.local(event);
          return hear();
        },
        { onGap: heard.localGap },
      ),
      ...plan.channels.map((channel) =>
        its.on(
          'note.made',
          (event) => {
            counts.delivered += 1;
            heard.relayed(channel, event);
          },
          { order: 'relay', channel, onGap: (gap) => heard.relayedGap(channel, gap) },
        ),
      ),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }

  function define(its: Runtime<NoteEvents>): void {
    const common = { from: 'earliest', maxErrors: attemptsMax, timeoutMs: 20_000 } as const;
    its.handle(
      '**',
      'plain',
      (event, task) => {
        const { retryAfterMs } = event.data;
        if (retryAfterMs !== undefined && task.attempt === 1) throw new RetryAfterError('not yet', retryAfterMs);
        return handle('plain', event, task.signal);
      },
      {
        ...common,
        concurrency: dice.whole(1, 3),
      },
    );
    its.handle('**', 'keyed', (event, task) => handle('keyed', event, task.signal), {
      ...common,
      concurrency: 3,
      key: ({ data }) => keyOf(data),
    });
    its.handle('**', 'relayed', (event, task) => handle('relayed', event, task.signal), { ...common, order: 'relay' });
  }

  function hear(): unknown {
    counts.delivered += 1;
    switch (faults.strike('live', ['live.throws', 'live.hangs'])) {
      case 'live.throws':
        counts.failed += 1;
        throw new Error('a live handler threw, by chance');
      case 'live.hangs':
        return new Promise(() => undefined);
      default:
        return undefined;
    }
  }

  async function handle(handler: string, event: Delivered<string, NoteData>, signal: AbortSignal): Promise<void> {
    // An older release could not tell the key of what it put aside: that runs in no order with the others.
    const isKeyed = handler === 'keyed' && !(disk.facts.hadOlder && event.dataschemaversion === '2');
    const key = isKeyed ? keyOf(event.data) : null;
    const run = account.begins({ tab, handler, key, signal }, event);
    try {
      switch (faults.strike(`handler.${handler}`, ['handler.throws', 'handler.hangs', 'handler.late'])) {
        case 'handler.throws':
          throw new Error('a handler threw, by chance');
        case 'handler.hangs':
          return await new Promise(() => undefined);
        case 'handler.late':
          await life.gate(passed(base, dice.whole(1, dice.chance(0.7) ? 2000 : 19_000)));
          break;
        default:
      }
      if (!signal.aborted) run.handled();
    } finally {
      run.left();
    }
  }
}
