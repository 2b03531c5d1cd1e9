// A simulated world comes to rest: no fault strikes any more, and within bounded time everything has arrived, or is told.
import { identityOf } from '../../event/cloudevent.ts';
import type { LogEntry } from '../../ports/store.ts';
import { taskStates } from '../../ports/tasks.ts';
import { formatOffset } from '../../protocol/offset.ts';
import type { Disk } from './device.ts';
import type { Scene, SimDevice } from './scene.ts';
import { livingOf } from './steps.ts';
import type { EpochHistory } from './truth.ts';
import { handlerNames, understands, type Heard, type SimTab } from './tab.ts';
import { wantedOf } from './wants.ts';

/** How a device tells that its own log was trimmed: nobody knows how much a tab has missed. */
const trimmedGap = 'gap retention null';

/** Within how much time everything has arrived, in milliseconds: a refused channel's rest, a lease and some retries. */
const restMsMax = 15 * 60_000;
/** How long the task waits that an owner leaves behind, in milliseconds: it is frozen before that is over. */
const retryAfterMs = 10_000;
/** Within how much time a tab in sight goes on where the leader has frozen, in milliseconds. */
const failOverMs = 3000;
/** How long a device's last word is waited for. */
const stepMs = 5000;

/** Ends all faults, waits until everything has arrived, and checks what there is. */
export async function comeToRest(scene: Scene): Promise<void> {
  const { base, relay, plan, devices, faults, dice, note } = scene;
  faults.end();
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
  if (scene.violation === undefined) await leave(scene);
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

/** Freezes the tabs that run handlers: within a minute and a half another of their device has each, and its events. */
async function takeOver(scene: Scene): Promise<void> {
  const frozen = scene.devices.flatMap((device) => {
    const owner = awakeOf(device).find((tab) => tab.runtime?.status.get().handlers['plain']?.isHere === true);
    if (owner === undefined || awakeOf(device).length < 2) return [];
    const channel = scene.plan.channels[0] ?? 'a';
    if (scene.dice.chance(0.5)) {
      owner.life.freeze();
      awakeOf(device)[0]?.publish(channel);
    } else owner.publish(channel, { retryAfterMs });
    return [{ device, owner }];
  });
  if (frozen.length === 0) return;
  await scene.base.advance(500);
  for (const { device, owner } of frozen) {
    if (owner.life.state === 'frozen') continue;
    owner.life.freeze();
    // Whoever comes now sees a retry that is due in an hour, by its clock.
    if (scene.dice.chance(0.5)) device.skewMs -= 3_600_000;
    scene.addTab(device);
  }
  await scene.base.advance(90_000);
  for (const { device, owner } of frozen) {
    const { disk } = device;
    const record = disk.handlers().find(({ name }) => name === 'plain');
    const passed = record?.totals.passed ?? 0;
    const wanted = wantedOf(disk, 'plain').length;
    const { waiting = 0, running = 0 } = record?.rows ?? {};
    if (passed < wanted || waiting + running > 0)
      scene.fail(
        `nobody took "plain" over from ${owner.name}: it has passed ${passed} of ${wanted}, ${waiting} wait, ${running} run`,
      );
    owner.life.thaw();
  }
  await scene.base.advance(1000);
}

/** Freezes those who lead: within three seconds a tab that somebody looks at has sent what waits. */
async function failOver({ devices, dice, plan, base, history, fail }: Scene): Promise<void> {
  const frozen = devices.flatMap((device) => {
    const awake = awakeOf(device);
    const leader = awake.find(({ runtime }) => runtime?.status.get().role === 'leader');
    const follower = dice.any(awake.filter((tab) => tab !== leader));
    return leader === undefined || follower === undefined ? [] : [{ device, leader, follower }];
  });
  for (const { follower } of frozen) follower.show(true);
  // Whoever has stolen before is to be answered first.
  await base.advance(1000);
  for (const { leader, follower } of frozen) {
    leader.life.freeze();
    for (const channel of plan.channels) follower.publish(channel);
  }
  await base.advance(failOverMs);
  for (const { device, leader, follower } of frozen) {
    for (const [id, { channel }] of device.disk.facts.own) {
      if (!history.channel(channel).appended.has(identityOf({ source: device.disk.source ?? '', id })))
        fail(`${follower.name} has not sent ${id}, and ${leader.name}, which led, is frozen for ${failOverMs} ms`);
    }
    leader.life.thaw();
  }
  await base.advance(1000);
}

/** Tabs that sleep on while their devices come to rest: not those that lead, since hidden tabs take nobody's lock. */
function sleepers({ devices, dice }: Scene): readonly SimTab[] {
  return devices.flatMap((device) => {
    const living = livingOf(device);
    const roles = living.map((tab) => tab.runtime?.status.get().role);
    return roles.includes('leader') ? living.filter((_, index) => roles[index] === 'follower' && dice.chance(0.4)) : [];
  });
}

function awakeOf(device: SimDevice): readonly SimTab[] {
  return livingOf(device).filter(({ life }) => life.state === 'alive');
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

/** What a tab that is there has yet to hear. */
function unheardBy({ name, release, disk, local, relayed }: SimTab): string | undefined {
  const entries = disk.entries().filter((entry) => entry.kind === 'gap' || understands(release, entry.event));
  const newest = entries.findLast((entry) => entry.kind === 'event' && !entry.echo)?.position;
  const heard = local.findLast((one) => 'position' in one);
  if (newest !== undefined && (heard === undefined || !('position' in heard) || heard.position < newest))
    return `${name} has not heard of ${newest}`;
  for (const [channel, its] of relayed) {
    const last = entries.findLast(
      (entry) => entry.kind === 'event' && entry.channel === channel && entry.offset !== null,
    );
    const own = its.findLast((one) => 'position' in one);
    if (last !== undefined && (own === undefined || !('position' in own) || own.position < last.position))
      return `${name} has not heard of ${last.position} in the relay's order of "${channel}"`;
  }
  return undefined;
}

function checkAll(scene: Scene): void {
  for (const device of scene.devices) {
    checkHandlers(scene, device.disk);
    for (const tab of device.tabs)
      if (tab.disk === device.disk) checkHeard(scene, tab, tab.life.state !== 'dead' && tab.closing === 'no');
    for (const tab of livingOf(device)) checkCounts(scene, tab);
  }
}

/** The relay's counts are what was done; and whoever reads from it, of different devices, has seen one order. */
async function checkRelay({ relay, history, plan, devices, fail }: Scene): Promise<void> {
  for (const channel of plan.channels) {
    const { epochs } = history.channel(channel);
    const stat = await relay.stat(channel);
    const counts = epochs.at(-1)?.counts;
    for (const name of ['published', 'duplicates', 'refused'] as const) {
      if (stat?.[name] !== (counts?.[name] ?? 0))
        fail(`the relay says ${name} ${stat?.[name]} of "${channel}", and it was ${counts?.[name]}`);
    }
    if (stat !== undefined && stat.queueDepth > 0) fail(`${stat.queueDepth} events of "${channel}" wait at the relay`);
    const order = orderOf(epochs);
    for (const { name, disk, relayed } of devices.flatMap(({ tabs }) => tabs)) {
      const identities = new Map(
        disk.entries().flatMap((entry) => (entry.kind === 'event' ? [[entry.event.id, identityOf(entry.event)]] : [])),
      );
      let last = -1;
      for (const heard of relayed.get(channel) ?? []) {
        const place = 'id' in heard ? order.get(identities.get(heard.id) ?? '') : undefined;
        if (place === undefined) continue;
        if (place <= last)
          fail(`${name} heard ${'id' in heard && heard.id} of "${channel}" in another order than others`);
        last = place;
      }
    }
  }
}

/**
 * Where each event stands, over all epochs. One that stands in two of them, sent again or put back from a backup, has two places:
 * a reader that came late to the first may meet it at the second, so that nothing is said of it.
 */
function orderOf(epochs: readonly EpochHistory[]): ReadonlyMap<string, number> {
  const order = new Map<string, number>();
  const twice = new Set<string>();
  for (const { identity } of epochs.flatMap(({ events }) => events)) {
    if (order.has(identity)) twice.add(identity);
    else order.set(identity, order.size);
  }
  for (const identity of twice) order.delete(identity);
  return order;
}

/** Every event of a durable handler has ended, and the counts say how. */
function checkHandlers({ fail, handledOn }: Scene, disk: Disk): void {
  const handled = handledOn(disk);
  for (const name of handlerNames) {
    const record = disk.handlers().find((its) => its.name === name);
    if (record === undefined) continue;
    const { rows, totals } = record;
    let unhandled = 0;
    const inRows = taskStates.reduce((sum, state) => sum + rows[state], 0);
    const dropped = Object.values(totals.dropped).reduce((sum, count) => sum + count, 0);
    const sums = JSON.stringify({ rows, totals });
    if (totals.passed !== totals.handled + inRows + dropped) fail(`the counts of "${name}" do not add up: ${sums}`);
    const dead = new Set(disk.rows(name).map(({ position }) => position));
    for (const entry of wantedOf(disk, name)) {
      if (dead.has(entry.position)) continue;
      if (handled.has(`${name} ${entry.event.id}`)) continue;
      unhandled += 1;
      if (unhandled > dropped) fail(`"${name}" never handled ${entry.event.id} at ${entry.position}: ${sums}`);
    }
  }
}

/** What is told only, while nothing goes wrong, is heard once by everybody. */
async function whisper({ base, devices, plan, dice, fail }: Scene): Promise<void> {
  const living = devices.flatMap(livingOf);
  const said = plan.channels.flatMap((channel) => dice.any(living)?.whisper(channel) ?? []);
  await base.advance(1000);
  for (const { name, whispers } of living) {
    for (const text of said)
      if (whispers.get(text) !== 1) fail(`${name} heard the whisper ${text} ${whispers.get(text) ?? 0} times`);
  }
}

/** A tab's counts are what happened to it. */
function checkCounts({ fail }: Scene, { name, runtime, counts }: SimTab): void {
  const its = runtime?.status.get().counts;
  if (its === undefined) return;
  for (const what of ['published', 'refused', 'delivered', 'failed'] as const)
    if (its[what] !== counts[what]) fail(`${name} counts ${its[what]} ${what}, and it was ${counts[what]}`);
}

/** What a tab has heard is what the log holds, from the first that it heard on, without a hole. */
function checkHeard({ fail }: Scene, { name, release, disk, local, relayed }: SimTab, isHere: boolean): void {
  const entries = disk.entries().filter((entry) => entry.kind === 'gap' || understands(release, entry.event));
  compare(
    `${name} in the order of its device`,
    local,
    entries.filter((entry) => entry.kind === 'gap' || !entry.echo),
  );
  for (const [channel, heard] of relayed) {
    const its = entries.filter((entry) => entry.channel === channel && (entry.kind === 'gap' || entry.offset !== null));
    compare(`${name} in the relay's order of "${channel}"`, heard, its);
  }

  function compare(who: string, heard: readonly Heard[], wanted: readonly LogEntry[]): void {
    const texts = wanted.map((entry) =>
      entry.kind === 'gap' ? `gap ${entry.gap.reason} ${entry.gap.missed}` : `${entry.position} ${entry.event.id}`,
    );
    const got = heard.map((its) => ('gap' in its ? `gap ${its.gap}` : `${its.position} ${its.id}`));
    const firstEvent = got.findIndex((text) => !text.startsWith('gap'));
    if (firstEvent < 0) return;
    const from = texts.indexOf(got[firstEvent] ?? '');
    let at = from;
    // Behind a gap that the device tells of its own log, what was trimmed may be missing.
    let mayMiss = false;
    for (const text of got.slice(firstEvent)) {
      if (text === trimmedGap && text !== texts[at]) {
        mayMiss = true;
        continue;
      }
      if (mayMiss) while (text !== texts[at] && isGone(wanted[at])) at += 1;
      if (from < 0 || text !== texts[at]) return fail(`${who} heard ${text} where the log has ${texts[at]}`);
      mayMiss = false;
      at += 1;
    }
    if (isHere && at !== texts.length) fail(`${who} heard up to ${got.at(-1)}, and the log goes on with ${texts[at]}`);
  }

  function isGone(entry: LogEntry | undefined): boolean {
    return entry !== undefined && disk.facts.gone.has(entry.position);
  }
}

/** Everybody leaves: nothing of them is left behind. */
async function leave({ base, relay, devices, plan, later, fail }: Scene): Promise<void> {
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
