// The world of one seed's rehearsal: devices whose tabs run the real runtime over simulated ports, and one relay.
import type { EventDefinitions } from '../../event/define.ts';
import { toFailure } from '../../failure.ts';
import { createMemoryDatabase, openMemoryStore, type MemoryDatabase } from '../../memory/store.ts';
import { createEngine } from '../../runtime/create-engine.ts';
import { createHandle } from '../../runtime/create-handle.ts';
import { createDice, type Dice } from '../sim/dice.ts';
import { createFaults, type Faults } from '../sim/faults.ts';
import { createLife, type Life } from '../sim/life.ts';
import { createSimLink } from '../sim/link.ts';
import { drawPlan } from '../sim/plan.ts';
import { createSimRelay, type SimRelay } from '../sim/relay.ts';
import { createSimStore } from '../sim/store.ts';
import { createSimTabs, type SimTabsDevice } from '../sim/tabs.ts';
import { createSimWorld } from '../sim/world.ts';
import { createTestWorld, mulberry32, type TestWorld } from '../world.ts';
import type { Application, RehearsedTab } from './application.ts';
import { createOutside } from './outside.ts';

/** A tab on the stage. */
export interface StageTab<Events, Device> {
  readonly name: string;
  readonly life: Life;
  /** Undefined before its runtime is open. */
  readonly its: RehearsedTab<Events, Device> | undefined;
  /** Whether it could not be opened, or has lost its log. */
  readonly isLost: boolean;
  readonly isClosed: boolean;
  /** Answers whether it was open. */
  close(): boolean;
}

/** A device on the stage. */
export interface StageDevice<Events, Device> {
  readonly name: string;
  readonly device: Device;
  readonly database: MemoryDatabase;
  readonly tabs: readonly StageTab<Events, Device>[];
  skewMs: number;
  isFull: boolean;
  open(): void;
}

/** The stage. */
export interface Stage<Events, Device> {
  readonly base: TestWorld;
  readonly dice: Dice;
  readonly faults: Faults;
  readonly relay: SimRelay;
  readonly rates: ReturnType<typeof drawPlan>['rates'];
  readonly channels: readonly string[];
  readonly devices: readonly StageDevice<Events, Device>[];
  readonly timeline: readonly string[];
  /** What must not be, and was: the first of it. */
  readonly violation: { readonly what: string; readonly cause: unknown } | undefined;
  fail(what: string, cause?: unknown): void;
  note(who: string, what: string): void;
}

/** Sets the stage of a seed. */
export function setStage<Events extends EventDefinitions, Device>(
  application: Application<Events, Device>,
  seed: number,
  devicesCount: number,
): Stage<Events, Device> {
  // Each has chance of its own, so that fewer steps change as little as may be.
  const random = mulberry32(seed);
  const part = (): number => Math.floor(random() * 2 ** 31) + 1;
  const plan = drawPlan(createDice(mulberry32(part())));
  const dice = createDice(mulberry32(part()));
  const faultDice = createDice(mulberry32(part()));
  const seeds = createDice(mulberry32(part()));
  const start = Date.UTC(2026, 0, 1);
  const base = createTestWorld({ seed: part(), now: start });
  const elapsed = (): number => base.now() - start;
  const { channels = ['default'] } = application;
  const timeline: string[] = [];
  let violation: Stage<Events, Device>['violation'];

  const note = (who: string, what: string): void => {
    timeline.push(`${(elapsed() / 1000).toFixed(3).padStart(10)} ${who.padEnd(10)} ${what}`);
  };
  const fail = (what: string, cause?: unknown): void => {
    violation ??= { what, cause };
  };
  const faults = createFaults({
    dice: faultDice,
    rates: plan.rates,
    note: (point, kind) => note('fault', `${kind} at ${point}`),
  });
  const relay = createSimRelay({
    base,
    later: base,
    dice: faultDice,
    faults,
    elapsed,
    ringBytes: plan.ringBytes,
    retentionEvents: Infinity,
    opened: async () => undefined,
    trimmed: () => undefined,
    appended: () => undefined,
    watch: (link) => link,
    // The relay's own counts are looked at by its own tests, not by an application's.
    fail: () => undefined,
    report: ({ name, message }) => note('relay', `reports ${name}: ${message}`),
  });
  const devices = Array.from({ length: devicesCount }, (_, index) => createDevice(`device${index + 1}`));

  return {
    base,
    dice,
    faults,
    relay,
    rates: plan.rates,
    channels,
    devices,
    timeline,
    fail,
    note,
    get violation() {
      return violation;
    },
  };

  function createDevice(name: string): StageDevice<Events, Device> {
    const tabs: StageTab<Events, Device>[] = [];
    const tabsDevice = createSimTabs({ faults, dice: faultDice, base });
    const device: StageDevice<Events, Device> = {
      name,
      device: application.device(name),
      database: createMemoryDatabase(),
      tabs,
      skewMs: 0,
      isFull: false,
      open() {
        const tab = `${name}.${tabs.length + 1}`;
        note(tab, 'opens');
        tabs.push(openTab(tab, device, tabsDevice));
      },
    };
    return device;
  }

  function openTab(
    name: string,
    device: StageDevice<Events, Device>,
    tabsDevice: SimTabsDevice,
  ): StageTab<Events, Device> {
    const life = createLife(elapsed);
    life.onDeath(() => note(name, 'dies'));
    const world = createSimWorld({ base, life, seed: seeds.whole(1, 2 ** 31), skewMs: () => device.skewMs });
    const call = { life, faults, dice: faultDice, base };
    const tasks = { scheduler: plan.scheduler, batch: plan.batch };
    const engine = createEngine({
      store: createSimStore(openMemoryStore(device.database, world), { ...call, isFull: () => device.isFull }),
      storage: 'memory',
      tabs: tabsDevice.tab(life),
      link: createSimLink(relay, call),
      world,
      channels: channels.map((channel) => [channel, 'earliest']),
      tasks,
    });
    let its: RehearsedTab<Events, Device> | undefined;
    let isLost = false;
    let isClosed = false;
    void open();
    return {
      name,
      life,
      get its() {
        return its;
      },
      get isLost() {
        return isLost || (!isClosed && its?.runtime.status.get().connection === 'closed');
      },
      get isClosed() {
        return isClosed;
      },
      close() {
        if (its === undefined) return false;
        note(name, 'closes');
        isClosed = true;
        its.runtime.close().catch((error: unknown) => note(name, `could not close: ${String(error)}`));
        return true;
      },
    };

    async function open(): Promise<void> {
      try {
        const runtime = await createHandle({
          engine,
          events: application.events,
          world,
          channels,
          tasks,
          report: (failure) => reported(name, failure),
        });
        const opened = { name, runtime, device: device.device, dice, now: world.now, ...createOutside(call) };
        application.open(opened);
        its = opened;
      } catch (error) {
        isLost = true;
        note(name, `could not open: ${String(error)}`);
        // A disk that fails is ours; anything else is the application's.
        if (toFailure(error).name === 'StorageFailed' || life.isDead()) return;
        fail(`${name} could not open: ${String(error)}`, error);
      }
    }
  }

  function reported(who: string, { name, message }: { readonly name: string; readonly message: string }): void {
    note(who, `reports ${name}: ${message}`);
  }
}
