// Everything that is in a simulated world, and the checks that strike while it runs.
import { Failure } from '../../failure.ts';
import type { DeviceStore, LeaseRequest } from '../../ports/tasks.ts';
import { createTestWorld, mulberry32, type TestWorld } from '../world.ts';
import { createDice, type Dice } from './dice.ts';
import { createDisk, type Disk } from './device.ts';
import { createFaults, type Faults } from './faults.ts';
import { createLater, type Later } from './later.ts';
import { createLife, type Life } from './life.ts';
import { drawPlan, type Plan, type PlanBounds } from './plan.ts';
import { createOrder } from './order.ts';
import { createSimRelay, type SimRelay } from './relay.ts';
import { createRuns, type Runs } from './runs.ts';
import { createStalls } from './stalls.ts';
import { createStranger, type Stranger } from './stranger.ts';
import type { Account } from './application.ts';
import type { Release } from './notes.ts';
import { openTab } from './tab.ts';
import type { SimDevice } from './sim-device.ts';
import type { SimTab } from './sim-tab.ts';
import { createSimTabs, type SimTabsDevice } from './tabs.ts';
import { createRelayHistory, type RelayHistory } from './truth.ts';
import { createSimWorld } from './world.ts';

/** A simulated world. */
export interface Scene {
  readonly seed: number;
  readonly base: TestWorld;
  readonly dice: Dice;
  readonly faults: Faults;
  readonly plan: Plan;
  readonly relay: SimRelay;
  readonly history: RelayHistory;
  readonly devices: SimDevice[];
  readonly strangers: Stranger[];
  /** Elapsed milliseconds. */
  readonly elapsed: () => number;
  /** What the world does to itself later: faults that end, and what is under way. */
  readonly later: Later;
  /** What must never be, as the first check that saw it says it. */
  readonly violation: string | undefined;
  fail(message: string): void;
  note(who: string, what: string): void;
  readonly timeline: readonly string[];
  readonly counts: { published: number; acknowledged: number; refused: number; runs: number; handled: number };
  /** Looks whether whoever has something to do does it. */
  look(): void;
  /** By `handler id`, on one disk: how often it was handled. */
  handledOn(disk: Disk): ReadonlyMap<string, number>;
  addDevice(): SimDevice;
  addTab(device: SimDevice): SimTab;
  addStranger(): void;
  /** Which release tabs are of that are opened now. */
  release: Release;
  /** How long the pause behind this step is beyond the usual, in milliseconds. */
  longPauseMs: number;
  /** Its database is deleted: its tabs lose their log, and the next one begins anew. */
  loseDisk(device: SimDevice): void;
}

/** How long ago trouble must lie for a tab to count as well: longer than a lease, a backoff and a slow disk together. */
const wellMs = 45_000;

/** How often a tab may ask the relay within a second: beyond, it waits for nothing. */
const asksMax = 200;

/** Makes the world of a seed, with its relay and nobody in it. */
export function createScene(seed: number, options: PlanBounds & { readonly timeline?: boolean } = {}): Scene {
  // Each has chance of its own, so that fewer steps, or a fault less, change as little as may be.
  const random = mulberry32(seed);
  const part = (): number => Math.floor(random() * 2 ** 31) + 1;
  const plan = drawPlan(createDice(mulberry32(part())), options);
  const dice = createDice(mulberry32(part()));
  const faultDice = createDice(mulberry32(part()));
  const seeds = createDice(mulberry32(part()));
  const start = Date.UTC(2026, 0, 1);
  const base = createTestWorld({ seed: part(), now: start });
  const earSeeds = createDice(mulberry32(part()));
  const elapsed = (): number => base.now() - start;
  const later = createLater(base);
  const timeline: string[] = [];
  const devices: SimDevice[] = [];
  const strangers: Stranger[] = [];
  const disks = new Set<Disk>();
  const leasers = new Map<string, SimTab>();
  const asks = new Map<SimTab, { readonly second: number; readonly count: number }>();
  const appendedAt = new Map<string, number>();
  const counts = { published: 0, acknowledged: 0, refused: 0, runs: 0, handled: 0 };
  let violation: string | undefined;
  const runs: Runs = createRuns({
    fail: (message) => fail(message),
    note: (who, what) => note(who, what),
    isWell,
    counts,
  });

  const stalls = createStalls({ isWell, elapsed, fail: (message) => fail(message) });

  const note = (who: string, what: string): void => {
    if (options.timeline !== true) return;
    timeline.push(`${(elapsed() / 1000).toFixed(3).padStart(10)} ${who.padEnd(10)} ${what}`);
  };
  const fail = (message: string): void => {
    note('CHECK', message);
    violation ??= `${message} (after ${(elapsed() / 1000).toFixed(3)} s)`;
  };
  const faults = createFaults({
    dice: faultDice,
    rates: plan.rates,
    note: (point, kind) => note('fault', `${kind} at ${point}`),
  });
  const history = createRelayHistory({
    fail,
    firstTime(channel, { source, id }) {
      note('relay', `appends ${id} to "${channel}"`);
      const disk = [...disks].find((its) => its.source === source);
      const own = disk?.facts.own.get(id);
      if (own === undefined) return fail(`the relay has ${id} of ${source}, which no disk ever held`);
      const key = `${source} ${channel}`;
      const before = appendedAt.get(key) ?? 0;
      if (own.position <= before)
        fail(`the relay took the event at ${own.position} of ${source} in "${channel}" behind the one at ${before}`);
      appendedAt.set(key, own.position);
    },
  });
  const order = createOrder({ history, fail });
  const relay = createSimRelay({
    base,
    later,
    dice: faultDice,
    faults,
    elapsed,
    ringBytes: plan.ringBytes,
    retentionEvents: plan.retentionEvents,
    opened: history.opened,
    trimmed: history.trimmed,
    appended: history.counted,
    watch: order.watch,
    fail,
    report: (failure) => reported('relay', failure),
  });

  const account: Account = {
    acknowledged(tab, channel, id, position) {
      counts.acknowledged += 1;
      note(tab.name, `has stored ${id} at ${position} in "${channel}"`);
      const own = tab.disk.facts.own.get(id);
      if (own === undefined || own.position !== position || own.channel !== channel)
        fail(`${tab.name} was told that ${id} is stored at ${position} in "${channel}", and it is not`);
      tab.disk.facts.acknowledged.add(id);
    },
    refused(tab, error) {
      if (tab.life.isDead()) return;
      counts.refused += 1;
      note(tab.name, `could not publish: ${textOf(error)}`);
    },
    begins: (run, event) => runs.begins(run, event),
    fenced(tab, handler) {
      note(tab.name, `is told that "${handler}" is another's`);
      // Once it has had its turn, nothing of it may run on.
      const look = runs.over(tab, handler);
      later.after(0, () => later.after(1, () => tab.life.run(look)));
    },
    asks(tab) {
      if (tab.life.isDead()) return;
      const device = devices.find(({ disk }) => disk === tab.disk);
      if (device?.tabsDevice.believesToLead(tab.life) === false) fail(`${tab.name} asks the relay, and does not lead`);
      const second = Math.floor(elapsed() / 1000);
      const asked = asks.get(tab);
      const count = asked?.second === second ? asked.count + 1 : 1;
      asks.set(tab, { second, count });
      if (count > asksMax) fail(`${tab.name} asked the relay ${count} times within a second`);
    },
    stored: (tab, { n }) => fail(`${tab.name} hears the whisper ${n} from its log`),
    reported: (tab, failure) => tab.life.isDead() || reported(tab.name, failure),
  };

  const scene: Scene = {
    seed,
    base,
    dice,
    faults,
    plan,
    relay,
    history,
    devices,
    strangers,
    elapsed,
    later,
    get violation() {
      return violation;
    },
    fail,
    note,
    timeline,
    counts,
    release: 2,
    longPauseMs: 0,
    look: () => stalls.look(devices),
    handledOn: runs.handledOn,
    addDevice() {
      const device: SimDevice = {
        name: `device${devices.length + 1}`,
        disk: newDisk(),
        tabsDevice: newTabs(),
        tabs: [],
        skewMs: 0,
        isFull: false,
      };
      devices.push(device);
      return device;
    },
    addTab(device) {
      const life = createLife(elapsed);
      const { tabsDevice } = device;
      const name = `${device.name}.${device.tabs.length + 1}`;
      const world = createSimWorld({ base, life, seed: seeds.whole(1, 2 ** 31), skewMs: () => device.skewMs });
      life.onDeath(() => note(name, 'dies'));
      const tab = openTab({
        name,
        release: scene.release,
        life,
        world,
        disk: device.disk,
        store: (inner) => leasing(inner, () => tab),
        isFull: () => device.isFull,
        tabs: (isVisible) => tabsDevice.tab(life, isVisible),
        isVisible: seeds.chance(0.5),
        faults,
        dice: faultDice,
        base: later,
        relay,
        plan,
        account,
        earDice: createDice(mulberry32(earSeeds.whole(1, 2 ** 31))),
      });
      device.tabs.push(tab);
      note(name, 'opens');
      return tab;
    },
    addStranger() {
      const parts = { history, dice: createDice(mulberry32(seeds.whole(1, 2 ** 31))), later, fail, note };
      const [name, channel] = [`stranger${strangers.length + 1}`, dice.any(plan.channels) ?? 'a'];
      const { subscribe } = relay;
      strangers.push(createStranger({ ...parts, name, channel, from: plan.from, subscribe, now: base.now }));
    },
    loseDisk(device) {
      void device.disk.open(base).destroy();
      device.disk = newDisk();
      device.tabsDevice = newTabs();
    },
  };
  return scene;

  function newTabs(): SimTabsDevice {
    return createSimTabs({ faults, dice: faultDice, base: later, fail, isCalm });
  }

  function newDisk(): Disk {
    const disk = createDisk({ history, fail, wasForbidden: (channel) => relay.wasForbidden(channel) });
    disks.add(disk);
    return disk;
  }

  /** Whether nothing has happened to a tab that would excuse it. */
  function isWell({ life, closing, runtime }: SimTab): boolean {
    // A tab that the disk did not let open runs nothing. And whoever pauses its tasks lets them wait: a tab that was opened
    // since, and knows of no pause, may take them.
    if (runtime === undefined || runtime.tasks.state === 'paused') return false;
    return isCalm(life) && closing === 'no';
  }

  function isCalm(life: Life): boolean {
    return life.state === 'alive' && !life.isStuck && elapsed() - life.troubledAt > wellMs;
  }

  /** Looks at who takes a handler over from whom. */
  function leasing(inner: DeviceStore, tab: () => SimTab): DeviceStore {
    return {
      ...inner,
      async lease(request: LeaseRequest) {
        leasers.set(request.tab, tab());
        const before =
          request.over === undefined
            ? undefined
            : (await inner.handlers()).find(({ name }) => name === request.handler)?.owner;
        const record = await inner.lease(request);
        if (record?.owner === request.tab && before !== undefined && before !== null && before !== request.tab) {
          const owner = leasers.get(before);
          note(tab().name, `takes "${request.handler}" over from ${owner?.name}, term ${record.term}`);
          if (owner !== undefined && isWell(owner) && isWell(tab()))
            fail(`${tab().name} took "${request.handler}" over from ${owner.name}, which is well`);
        }
        return record;
      },
    };
  }

  function reported(who: string, failure: Failure): void {
    note(who, `reports ${failure.name}: ${failure.message}`);
    // What nobody foresaw has no name of its own.
    if (failure.name === 'Internal') fail(`${who} reports ${failure.message}`);
  }
}

function textOf(error: unknown): string {
  return error instanceof Failure ? `${error.name}: ${error.message}` : String(error);
}
