// One tab of a simulated world: the real runtime over simulated ports, and an application over that.
import { createEngine } from '../../runtime/create-engine.ts';
import type { Engine } from '../../runtime/engine.ts';
import { createHandle } from '../../runtime/create-handle.ts';
import type { Receipt } from '../../runtime/publishing.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { DeviceStore } from '../../ports/tasks.ts';
import type { Tabs } from '../../ports/tabs.ts';
import { createApplication, type Account } from './application.ts';
import { eventsOf, type NoteEvents, type Release } from './notes.ts';
import type { SimTab } from './sim-tab.ts';
import type { Disk } from './device.ts';
import type { Dice } from './dice.ts';
import { createEars } from './ears.ts';
import { createSimLink, type SimRelayEnd } from './link.ts';
import type { Plan } from './plan.ts';
import { createSimStore, type CallParts } from './store.ts';
import type { SimWorld } from './world.ts';

/** Beyond this age, in milliseconds, nothing stays in a device's log. */
const retainedMs = 7_000_000;
/** How many segments a step of trimming looks at: few, so that it takes several. */
const segmentsPerTrim = 8;

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
  const { name, release, disk, life, faults, base, world, relay, plan, account } = parts;
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
    start: (heard) => (runtime === undefined ? () => undefined : application.hearAll(runtime, heard)),
  });

  const application = createApplication({ ...parts, tab: () => tab, channels: plan.channels, counts, whispers });
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
        events: eventsOf(release),
        world,
        channels: plan.channels,
        tasks: options,
        report: (its) => account.reported(tab, its),
      });
      engine = its;
      void engine.setVisible(isVisible);
      runtime = opened;
      ears.open();
      application.define(opened);
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
}
