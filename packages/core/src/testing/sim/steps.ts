// What happens in a simulated world, step by step: people publish, tabs come and go, and the dice decide what breaks.
import { jumpMsMax, tickMs } from '../../election/clock.ts';
import { trimYoungMs } from '../../ports/store.ts';
import type { StepFault } from './kinds.ts';
import { stepFaultKinds } from './kinds.ts';
import type { Scene } from './scene.ts';
import type { SimDevice } from './sim-device.ts';
import { handlerNames } from './handlers.ts';
import type { SimTab } from './sim-tab.ts';

/** The weights of ordinary steps, which sum to 100. */
const ordinary = {
  publish: 52,
  burst: 10,
  drip: 7,
  wait: 13,
  whisper: 3,
  pause: 2,
  resume: 3,
  retry: 2,
  discard: 1,
  cancel: 4,
  takeBack: 3,
} as const;

/** How long a tab goes on publishing now and then, in milliseconds: longer than a lease lasts. */
const dripMs = 40_000;
/** The longest between two of its events: shorter than a beat. */
const dripPauseMsMax = 2500;

/** Whoever takes what comes is told within this what it was too slow for, in milliseconds. */
const toldMs = 500;
/** More than wait for a reader that is too slow for them. */
const shoutsMax = 100;

/** How far a clock jumps, in milliseconds. */
const jumpsMs = [-3_600_000, -3_600_000, -600_000, -20_000, -500, 500, 20_000, 3_600_000, 90_000_000] as const;

/** Does one step. */
export function doStep(scene: Scene): void {
  const { dice, plan, devices } = scene;
  if (devices.length === 0) return open(scene, scene.addDevice());
  const weights: (readonly [string, number])[] = Object.entries(ordinary);
  for (const kind of stepFaultKinds) weights.push([kind, plan.rates[kind] ?? 0]);
  let left = dice.random() * weights.reduce((sum, [, weight]) => sum + weight, 0);
  const [what] = weights.find(([, weight]) => (left -= weight) < 0) ?? ['wait'];
  switch (what) {
    case 'publish':
      return publish(scene, dice.whole(1, 4));
    case 'burst':
      return publish(scene, dice.whole(5, 40));
    case 'whisper':
      dice.any(devices.flatMap(livingOf))?.whisper(dice.any(plan.channels) ?? 'a');
      return;
    case 'drip':
      return drip(scene);
    case 'wait':
      return;
    case 'takeBack':
      return takeBack(scene);
    case 'pause':
    case 'resume':
    case 'retry':
    case 'discard':
    case 'cancel':
      return operate(scene, what);
    default: {
      const kind = stepFaultKinds.find((its) => its === what);
      if (kind !== undefined && strike(scene, kind)) scene.faults.met(kind, 'step');
    }
  }
}

function publish({ dice, plan, devices, counts }: Scene, events: number): void {
  const tab = dice.any(
    devices.flatMap(({ tabs }) => tabs).filter(({ runtime, life }) => runtime !== undefined && life.state === 'alive'),
  );
  if (tab === undefined) return;
  for (let n = 0; n < events; n += 1) {
    counts.published += 1;
    tab.publish(dice.any(plan.channels) ?? 'a');
  }
}

/** One tab publishes now and then, whatever else happens. */
function drip({ dice, plan, devices, counts, later, faults, elapsed }: Scene): void {
  const tab = dice.any(devices.flatMap(livingOf));
  const until = elapsed() + dripMs;
  if (tab !== undefined) next();

  function next(): void {
    if (tab === undefined || elapsed() >= until || faults.isOver || tab.life.isDead()) return;
    counts.published += 1;
    tab.publish(dice.any(plan.channels) ?? 'a');
    later.after(dice.whole(100, dripPauseMsMax), next);
  }
}

/** A person takes back, for one handler, what was just published, whether or not the handler has come to it. */
function takeBack({ dice, devices, note }: Scene): void {
  const device = dice.any(devices);
  const tab = device && dice.any(livingOf(device));
  const handler = dice.pick(['plain', 'keyed'] as const);
  const [id, own] = [...(tab?.disk.facts.own ?? [])].at(-1 - dice.whole(0, 3)) ?? [];
  if (tab?.runtime === undefined || tab.life.state !== 'alive' || own === undefined) return;
  const { position } = own;
  note(tab.name, `is asked to cancel ${id} at ${position} for "${handler}"`);
  tab.runtime.tasks.cancel({ handler, position }).then(
    (tasks) => note(tab.name, `did so with ${tasks} tasks`),
    (error: unknown) => note(tab.name, `could not: ${String(error)}`),
  );
}

/** What a person does with a device as a whole, or with its tasks. */
function operate({ dice, devices, note }: Scene, what: 'pause' | 'resume' | 'retry' | 'discard' | 'cancel'): void {
  const device = dice.any(devices);
  const tab = device && dice.any(livingOf(device));
  const isOfTasks = dice.chance(0.5);
  const runtime = tab?.runtime;
  if (tab === undefined || runtime === undefined || tab.life.state !== 'alive') return;
  if (runtime.status.get().connection === 'closed') return;
  note(tab.name, `is asked to ${what}${isOfTasks ? ' its tasks' : ''}`);
  switch (what) {
    case 'pause':
    case 'resume':
      if (isOfTasks) runtime.tasks[what]();
      else runtime[what]();
      for (const { life } of device?.tabs ?? []) life.trouble();
      return;
    case 'retry':
      tab.disk.facts.retries += 1;
      break;
    default:
  }
  runtime.tasks[what]({ handler: dice.pick(handlerNames) }).then(
    (tasks) => note(tab.name, `did so with ${tasks} tasks`),
    (error: unknown) => note(tab.name, `could not: ${String(error)}`),
  );
}

function open(scene: Scene, device: SimDevice): void {
  if (livingOf(device).length < scene.plan.tabsMax) scene.addTab(device);
}

/** Tabs that are neither dead nor closed. */
export function livingOf({ tabs }: SimDevice): readonly SimTab[] {
  return tabs.filter(({ life, closing }) => life.state !== 'dead' && closing === 'no');
}

/** What a fault may strike: chosen anew each time. */
interface Target {
  readonly scene: Scene;
  readonly device: SimDevice;
  readonly tab: SimTab | undefined;
  readonly channel: string;
}

/** The longest pause, in milliseconds. */
const hoursMsMax = 2 * 3_600_000;

/** Lets a fault happen, if there is whom to happen to. Answers whether there was. */
function strike(scene: Scene, kind: StepFault): boolean {
  const { dice, plan } = scene;
  const device = dice.any(scene.devices);
  const channel = dice.any(plan.channels) ?? 'a';
  const tab = device && dice.any(livingOf(device));
  const target: Target | undefined = device && { scene, device, tab, channel };
  return target !== undefined && strikes[kind](target) !== false;
}

/** How each fault happens; false: there was nobody. */
const strikes: Readonly<Record<StepFault, (target: Target) => boolean | void>> = {
  'tab.opened': ({ scene, device }) => open(scene, device),
  'device.added'({ scene }) {
    if (scene.devices.length >= scene.plan.devicesMax) return false;
    return open(scene, scene.addDevice());
  },
  'tab.closed'({ tab }) {
    tab?.close();
    return tab !== undefined;
  },
  'tab.killed'({ tab }) {
    tab?.life.kill();
    return tab !== undefined;
  },
  'tab.frozen'({ tab, scene: { later, dice } }) {
    tab?.life.freeze();
    if (tab !== undefined) later.after(dice.pick([1000, 15_000, 60_000, 600_000]), () => tab.life.thaw());
    return tab !== undefined;
  },
  'tab.shown'({ tab }) {
    tab?.show(!tab.isVisible);
    return tab !== undefined;
  },
  'tab.silenced'({ device, tab, scene: { dice, note } }) {
    if (tab === undefined) return false;
    const way = dice.pick(['deaf', 'mute', 'both'] as const);
    note(tab.name, `is ${way === 'both' ? 'deaf and mute' : way} for a while`);
    device.tabsDevice.silence(tab.life, way, dice.pick([1000, 5000, 20_000, 60_000]));
    return true;
  },
  'lock.stolen'({ device, scene: { dice, note } }) {
    note(device.name, 'is robbed of its lock by a stranger');
    device.tabsDevice.rob(dice.pick([0, 1000, 10_000]));
    trouble(device);
  },
  'relay.killed'({ scene: { relay, later, dice, note } }) {
    note('relay', 'is killed');
    relay.kill();
    later.after(dice.whole(0, 60_000), relay.start);
  },
  'relay.drained'({ scene: { relay, later, dice, note } }) {
    note('relay', 'drains');
    void relay.drain();
    later.after(dice.whole(0, 5000), relay.start);
  },
  'relay.recreated'({ channel, scene: { relay, note } }) {
    note('relay', `forgets "${channel}"`);
    relay.recreate(channel).catch((error: unknown) => note('relay', `could not forget "${channel}": ${String(error)}`));
  },
  'relay.trimmed'({ channel, scene: { relay, dice, note } }) {
    note('relay', `trims "${channel}"`);
    void relay.trim(channel, dice.random());
  },
  'relay.restored'({ scene: { relay, later, dice, note } }) {
    if (!relay.restore()) return false;
    note('relay', 'is put back to what it was');
    later.after(dice.whole(0, 20_000), relay.start);
    return true;
  },
  'channel.forbidden'({ channel, scene: { relay, later, dice } }) {
    relay.forbid(channel);
    later.after(dice.whole(1000, 120_000), () => relay.allow(channel));
  },
  'stranger.came'({ scene }) {
    if (scene.strangers.length >= scene.plan.strangersMax) return false;
    scene.addStranger();
    return true;
  },
  'stranger.cut'({ scene: { strangers, dice } }) {
    const stranger = dice.any(strangers);
    stranger?.cut();
    return stranger !== undefined;
  },
  'stranger.stalled'({ scene: { strangers, relay, later, dice } }) {
    const stranger = dice.any(strangers);
    if (stranger === undefined) return false;
    const ms = dice.pick([1000, 20_000, 60_000]);
    stranger.stall(ms);
    if (dice.chance(0.5)) relay.shout(stranger.channel, shoutsMax);
    const share = dice.random() / 2;
    if (dice.chance(0.3)) later.after(ms - 1, () => void relay.trim(stranger.channel, share));
    return true;
  },
  'stranger.shouted'({ channel, scene: { strangers, relay, later, dice } }) {
    relay.shout(channel, dice.pick([1, shoutsMax]));
    later.after(toldMs, () => strangers.forEach((stranger) => stranger.check()));
  },
  'clock.skewed'({ device, scene: { dice } }) {
    device.skewMs += dice.whole(-30_000, 30_000);
    trouble(device);
  },
  'clock.jumped'({ device, scene }) {
    const { dice } = scene;
    const before = device.skewMs;
    device.skewMs += dice.pick(jumpsMs);
    expectLettingGo(scene, device, before);
    trouble(device);
  },
  'store.full'({ device, scene: { later, dice } }) {
    device.isFull = true;
    later.after(dice.whole(100, 60_000), () => (device.isFull = false));
  },
  'database.deleted'({ scene, device }) {
    scene.note(device.name, 'loses its database');
    scene.loseDisk(device);
  },
  'log.trimmed'({ scene, device, tab, channel }) {
    const { dice, later, note, relay } = scene;
    if (tab === undefined) return false;
    scene.longPauseMs = dice.whole(trimYoungMs, hoursMsMax);
    note(tab.name, 'trims its log once it is old');
    const behind = dice.any(livingOf(device).filter(({ runtime }) => runtime?.status.get().role === 'follower'));
    // Whoever sleeps meanwhile has missed what went; and what no relay took cannot go.
    if (behind !== tab && dice.chance(0.5)) behind?.life.freeze();
    scene.counts.published += 1;
    tab.publish(channel);
    if (dice.chance(0.4)) relay.kill();
    later.after(scene.longPauseMs, () => {
      tab.trim();
      later.after(dice.whole(0, 5000), () => {
        behind?.life.thaw();
        relay.start();
      });
    });
    return true;
  },
  'release.changed'({ scene }) {
    scene.release = scene.release === 1 ? 2 : 1;
    scene.note('world', `tabs that open are of release ${scene.release}`);
  },
};

/** Whoever leads when its clock jumps lets go at its next look, and stands again. */
function expectLettingGo({ later, fail, elapsed }: Scene, device: SimDevice, before: number): void {
  const { tabsDevice, skewMs } = device;
  const { lead } = tabsDevice;
  const byMs = skewMs - before;
  if (lead === undefined || lead.life.state !== 'alive' || Math.abs(byMs) < jumpMsMax + tickMs) return;
  const jumpedAt = elapsed();
  // Of two jumps between two looks it sees what they come to, which may be nothing.
  if (jumpedAt - lead.life.troubledAt <= tickMs) return;
  later.after(tickMs + 1, () => {
    // Whatever else has happened to it meanwhile may excuse it.
    const isSame = device.skewMs === skewMs && lead.life.state === 'alive' && lead.life.troubledAt === jumpedAt;
    if (isSame && tabsDevice.lead?.number === lead.number)
      fail(`${device.name} is led on by a tab whose clock has jumped by ${byMs} ms`);
  });
}

function trouble({ tabs }: SimDevice): void {
  for (const { life } of tabs) life.trouble();
}
