// A simulated world comes to rest: no fault strikes any more, and within bounded time everything has arrived, or is told.
import { identityOf } from '../../event/cloudevent.ts';
import { formatOffset } from '../../protocol/offset.ts';
import { checkAll, checkRelay, checkStrangers, whisper } from './checks.ts';
import { awakeOf, failOver, takeOver } from './failover.ts';
import type { Scene } from './scene.ts';
import type { SimDevice } from './sim-device.ts';
import { livingOf } from './steps.ts';
import { handlerNames } from './handlers.ts';
import { understands } from './notes.ts';
import type { SimTab } from './sim-tab.ts';
import { wantedOf } from './wants.ts';

/** Within how much time everything has arrived, in milliseconds: a refused channel's rest, a lease and some retries. */
const restMsMax = 15 * 60_000;

/**
 * In each of so many seeds the tabs' counts are looked at: for that their devices are paused, and to go on is to begin anew,
 * which would mend in all worlds what has to mend itself.
 */
const countedEvery = 3;
/** How long a pause lasts in which the tabs' counts are looked at, in milliseconds. */
const pauseMs = 5000;

/** How long a device's last word is waited for. */
const stepMs = 5000;

/** Ends all faults, waits until everything has arrived, and checks what there is. */
export async function comeToRest(scene: Scene): Promise<void> {
  const { base, relay, plan, devices, strangers, faults, dice, note } = scene;
  faults.end();
  for (const stranger of strangers) stranger.settle();
  note('world', 'comes to rest');
  relay.start();
  scene.release = 2;
  for (const channel of plan.channels) relay.allow(channel);
  for (const device of devices) {
    device.isFull = false;
    for (const tab of device.tabs) {
      tab.life.thaw();
      // Nobody looks at a tab for long that does nothing any more.
      if (tab.life.isStuck) tab.life.kill();
    }
  }
  // What was slow comes to its end, and what was frozen on purpose is thawed by now.
  await base.advance(20_000);
  for (const device of devices) {
    for (const tab of device.tabs) if (tab.life.isStuck || tab.disk !== device.disk || isLost(tab)) tab.life.kill();
    // What the old release put aside the next one handles.
    if (device.tabs.some(({ release }) => release === 1)) update(scene, device);
    if (livingOf(device).length === 0) scene.addTab(device);
  }
  await base.advance(1000);
  for (const tab of devices.flatMap(livingOf)) tab.listen();
  if (scene.seed % countedEvery === 0) await countWaiting(scene);
  resume(scene);
  await base.advance(1000);
  await takeOver(scene);
  await failOver(scene);
  const asleep = sleepers(scene);
  for (const { life } of asleep) life.freeze();
  // Each device has a last word: whoever has not heard of something before hears of it now.
  for (const device of devices) for (const channel of plan.channels) dice.any(awakeOf(device))?.publish(channel);
  await untilArrived(scene);
  for (const { life } of asleep) life.thaw();
  // Whoever slept hears of it all now.
  if (asleep.length > 0) await base.advance(1000);
  await untilArrived(scene);
  if (scene.violation === undefined) checkAll(scene);
  if (scene.violation === undefined) await checkRelay(scene);
  if (scene.violation === undefined) await whisper(scene);
  if (scene.violation === undefined) await checkStrangers(scene);
  if (scene.violation === undefined) await leave(scene);
}

/**
 * Nothing is sent while a device is paused: what its tabs show as pending is what its disk has yet to send. A leader that was
 * not told of an event, because the message was lost, counts it with the next one that it is told of.
 */
async function countWaiting({ base, devices, fail }: Scene): Promise<void> {
  const told = devices.filter(({ tabsDevice }) => !tabsDevice.hasLost);
  for (const device of told) awakeOf(device)[0]?.runtime?.pause();
  await base.advance(pauseMs);
  for (const device of told) {
    const { facts, sent } = device.disk;
    const waiting = [...facts.own.values()].filter(({ channel, position }) => position > sent(channel)).length;
    for (const { name, runtime } of awakeOf(device)) {
      const { pending, role } = runtime?.status.get() ?? { pending: waiting, role: '' };
      if (pending !== waiting)
        fail(`${name}, ${role}, shows ${pending} events as pending, and ${waiting} wait on the disk`);
    }
  }
}

async function untilArrived(scene: Scene): Promise<void> {
  let left = missing(scene);
  for (let waited = 0; left !== undefined && waited < restMsMax && scene.violation === undefined; waited += stepMs) {
    await scene.base.advance(stepMs);
    scene.look();
    left = missing(scene);
  }
  if (left !== undefined) scene.fail(`at rest, ${left}`);
}

/** The old release is closed on a device, everywhere, and the next one is there. */
function update(scene: Scene, device: SimDevice): void {
  for (const tab of livingOf(device)) if (tab.release === 1) tab.close();
  scene.addTab(device);
}

/** Whatever was paused goes on, in every tab. */
function resume({ devices }: Scene): void {
  for (const { runtime } of devices.flatMap(livingOf)) {
    runtime?.resume();
    runtime?.tasks.resume();
  }
}

/** Tabs that sleep on while their devices come to rest: not those that lead, since hidden tabs take nobody's lock. */
function sleepers({ devices, dice }: Scene): readonly SimTab[] {
  return devices.flatMap((device) => {
    const living = livingOf(device);
    const roles = living.map((tab) => tab.runtime?.status.get().role);
    return roles.includes('leader') ? living.filter((_, index) => roles[index] === 'follower' && dice.chance(0.4)) : [];
  });
}

function isLost({ failure, runtime, closing }: SimTab): boolean {
  return failure !== undefined || (closing === 'no' && runtime?.status.get().connection === 'closed');
}

/** What has not arrived yet; undefined when everything has. */
function missing(scene: Scene): string | undefined {
  for (const device of scene.devices) {
    const what = missingOn(scene, device);
    if (what !== undefined) return `${device.name}: ${what}`;
  }
  for (const stranger of scene.strangers) {
    const what = stranger.missing();
    if (what !== undefined) return what;
  }
  return undefined;
}

function missingOn({ plan, history }: Scene, device: SimDevice): string | undefined {
  const { disk, tabs } = device;
  for (const { name, life, closing, runtime, failure } of tabs) {
    if (life.state !== 'alive') continue;
    if (closing === 'under way') return `${name} is not closed`;
    if (runtime === undefined) return `${name} is not open: ${String(failure)}`;
  }
  for (const channel of plan.channels) {
    const { epochs, appended } = history.channel(channel);
    for (const [id, own] of disk.facts.own) {
      if (own.channel === channel && !appended.has(identityOf({ source: disk.source ?? '', id })))
        return `${id}, at ${own.position} in "${channel}", is not at the relay`;
    }
    const newest = Math.max(
      0,
      ...[...disk.facts.own.values()].map((own) => (own.channel === channel ? own.position : 0)),
    );
    if (disk.sent(channel) !== newest) return `"${channel}" is confirmed up to ${disk.sent(channel)} of ${newest}`;
    const last = epochs.at(-1);
    const [read = ''] = (disk.facts.read.get(channel) ?? '').split('#');
    if (last !== undefined && read !== formatOffset(last.epoch, last.events.length))
      return `"${channel}" was read up to ${read}, and goes up to ${last.epoch}.${last.events.length}`;
  }
  for (const { name, rows, due } of disk.handlers()) {
    const left = rows.waiting + rows.running + rows.blocked + rows.cancelled + rows.deferred;
    if (left > 0) return `"${name}" has ${JSON.stringify(rows)}, due ${due}`;
  }
  for (const name of handlerNames) {
    const record = disk.handlers().find((its) => its.name === name);
    if (record === undefined) return `there is no "${name}"`;
    const wanted = wantedOf(disk, name).length;
    if (record.totals.passed !== wanted || record.cursor < record.claimed)
      return `"${name}" has passed ${record.totals.passed} of ${wanted}, cursor ${record.cursor}, claimed ${record.claimed}`;
  }
  for (const tab of awakeOf(device)) {
    const pending = tab.runtime?.status.get();
    if (pending !== undefined && pending.role === 'leader' && pending.pending > 0)
      return `${tab.name} leads, and shows ${pending.pending} as pending`;
    const unheard = unheardBy(tab);
    if (unheard !== undefined) return unheard;
  }
  return livingOf(device).some((tab) => tab.runtime?.status.get().role === 'leader') ? undefined : 'nobody leads';
}

/** What a tab that is there has yet to hear: nothing that was there before it listened. */
function unheardBy({ name, release, disk, hearings }: SimTab): string | undefined {
  const hearing = hearings.at(-1);
  if (hearing === undefined || hearing.isOver) return `${name} does not listen`;
  const entries = disk
    .entries()
    .filter((entry) => entry.kind === 'event' && entry.position > hearing.head && understands(release, entry.event));
  const newest = entries.findLast((entry) => entry.kind === 'event' && !entry.echo)?.position;
  const heard = hearing.local.findLast((one) => 'position' in one);
  if (newest !== undefined && (heard === undefined || !('position' in heard) || heard.position < newest))
    return `${name} has not heard of ${newest}`;
  for (const [channel, its] of hearing.relayed) {
    const last = entries.findLast(
      (entry) => entry.kind === 'event' && entry.channel === channel && entry.offset !== null,
    );
    const own = its.findLast((one) => 'position' in one);
    if (last !== undefined && (own === undefined || !('position' in own) || own.position < last.position))
      return `${name} has not heard of ${last.position} in the relay's order of "${channel}"`;
  }
  return undefined;
}

/** Everybody leaves: nothing of them is left behind. */
async function leave({ base, relay, devices, strangers, plan, later, fail }: Scene): Promise<void> {
  for (const stranger of strangers) stranger.leave();
  const living = devices.flatMap(livingOf);
  for (const tab of living) tab.close();
  await base.advance(20_000);
  for (const { name, closing, world } of living) {
    if (closing !== 'done') fail(`${name} could not be closed`);
    if (world.timers > 0) fail(`${name} has left ${world.timers} timers`);
  }
  for (const channel of plan.channels) {
    const readers = (await relay.stat(channel))?.subscribers ?? 0;
    if (readers > 0) fail(`${readers} still read "${channel}" at the relay`);
  }
  await relay.close();
  await base.settle();
  if (base.timers > later.waiting) fail(`${base.timers - later.waiting} timers are left`);
}
