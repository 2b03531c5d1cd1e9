// What happens on a stage before it comes to rest: people do things, and tabs, the relay, disks and clocks fail.
import type { StepFault } from '../sim/kinds.ts';
import type { Application } from './application.ts';
import type { Stage, StageDevice, StageTab } from './stage.ts';
import type { EventDefinitions } from '../../event/define.ts';

/** The weight of somebody doing something, beside the faults'. */
const actWeight = 60;
/** How many things are done in a row at most. */
const actsMax = 4;
/** How far a clock jumps, in milliseconds. */
const jumpsMs = [-3_600_000, -20_000, 20_000, 3_600_000] as const;

/** What can strike between two steps. Those of the second list make gaps. */
const kinds: readonly StepFault[] = [
  'tab.opened',
  'tab.closed',
  'tab.killed',
  'tab.frozen',
  'relay.killed',
  'relay.drained',
  'channel.forbidden',
  'clock.jumped',
  'store.full',
];
const forgetting: readonly StepFault[] = ['relay.trimmed', 'relay.recreated'];

/** Does one step. Answers how often somebody did something in it. */
export function doStep<Events extends EventDefinitions, Device>(
  stage: Stage<Events, Device>,
  parts: {
    readonly application: Application<Events, Device>;
    readonly tabsMax: number;
    readonly forgets: boolean;
    readonly acts: number;
  },
): number {
  const { dice, devices, rates } = stage;
  const { tabsMax, forgets } = parts;
  for (const device of devices) if (livingOf(device).length === 0 && dice.chance(0.5)) device.open();
  const weights: (readonly [StepFault | 'act', number])[] = [['act', actWeight]];
  for (const kind of forgets ? [...kinds, ...forgetting] : kinds) weights.push([kind, rates[kind] ?? 0]);
  let left = dice.random() * weights.reduce((sum, [, weight]) => sum + weight, 0);
  const [what] = weights.find(([, weight]) => (left -= weight) < 0) ?? ['act'];
  if (what === 'act') return act(stage, parts, dice.whole(1, actsMax));
  const device = dice.any(devices);
  if (device === undefined) return 0;
  if (strike(stage, what, device, tabsMax)) stage.faults.met(what, 'step');
  return 0;
}

function act<Events extends EventDefinitions, Device>(
  stage: Stage<Events, Device>,
  { application, acts }: { readonly application: Application<Events, Device>; readonly acts: number },
  count: number,
): number {
  const tab = stage.dice.any(
    stage.devices.flatMap(livingOf).filter(({ life, its }) => life.state === 'alive' && its !== undefined),
  );
  if (tab?.its === undefined) return 0;
  const { its, name } = tab;
  for (let n = acts + 1; n <= acts + count; n += 1) {
    stage.note(name, `act ${n}`);
    void attempt(n);
  }
  return count;

  /** What a person does may fail, as any call of the runtime may; the application says by `atRest` whether that is well. */
  async function attempt(n: number): Promise<void> {
    try {
      await application.act(its, n);
    } catch (error) {
      stage.note(name, `act ${n} failed: ${String(error)}`);
    }
  }
}

/** Tabs that are neither dead nor closed. */
export function livingOf<Events, Device>({ tabs }: StageDevice<Events, Device>): readonly StageTab<Events, Device>[] {
  return tabs.filter(({ life, isClosed }) => life.state !== 'dead' && !isClosed);
}

/** Lets it happen; false: there was nobody. */
function strike<Events, Device>(
  { base, dice, relay, channels, note }: Stage<Events, Device>,
  kind: StepFault,
  device: StageDevice<Events, Device>,
  tabsMax: number,
): boolean {
  const tab = dice.any(livingOf(device));
  const channel = dice.any(channels) ?? '';
  switch (kind) {
    case 'tab.opened':
      if (livingOf(device).length >= tabsMax) return false;
      device.open();
      return true;
    case 'tab.closed':
      return tab?.close() ?? false;
    case 'tab.killed':
      tab?.life.kill();
      return tab !== undefined;
    case 'tab.frozen':
      if (tab === undefined) return false;
      note(tab.name, 'is frozen');
      tab.life.freeze();
      base.after(dice.pick([1000, 15_000, 60_000]), () => tab.life.thaw());
      return true;
    case 'relay.killed':
      note('relay', 'is killed');
      relay.kill();
      base.after(dice.whole(0, 60_000), relay.start);
      return true;
    case 'relay.drained':
      note('relay', 'drains');
      void relay.drain();
      base.after(dice.whole(0, 5000), relay.start);
      return true;
    case 'relay.trimmed':
      note('relay', `trims "${channel}"`);
      void relay.trim(channel, dice.random());
      return true;
    case 'relay.recreated':
      note('relay', `forgets "${channel}"`);
      relay.recreate(channel).catch((error: unknown) => note('relay', `could not: ${String(error)}`));
      return true;
    case 'channel.forbidden':
      note('relay', `forbids "${channel}"`);
      relay.forbid(channel);
      base.after(dice.whole(1000, 120_000), () => relay.allow(channel));
      return true;
    case 'clock.jumped':
      device.skewMs += dice.pick(jumpsMs);
      note(device.name, 'has its clock jump');
      return true;
    case 'store.full':
      note(device.name, 'has a full disk');
      device.isFull = true;
      base.after(dice.whole(100, 60_000), () => (device.isFull = false));
      return true;
    default:
      return false;
  }
}
