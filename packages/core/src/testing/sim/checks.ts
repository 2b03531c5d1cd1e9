// A simulated world at rest: what handlers, tabs and the relay have done and counted is what happened.
import { identityOf } from '../../event/cloudevent.ts';
import type { LogEntry } from '../../ports/store.ts';
import { taskStates } from '../../ports/tasks.ts';
import type { Disk } from './device.ts';
import type { Heard, Hearing } from './ears.ts';
import type { Scene } from './scene.ts';
import { livingOf } from './steps.ts';
import { handlerNames } from './handlers.ts';
import { understands } from './notes.ts';
import type { SimTab } from './sim-tab.ts';
import type { EpochHistory } from './truth.ts';
import { wantedOf } from './wants.ts';

/** How a device tells that its own log was trimmed: nobody knows how much a tab has missed. */
const trimmedGap = 'gap retention null';

/** How long a call to the relay goes unanswered, in milliseconds, before it is given up. */
const hungMsMax = 60_000;

/** For what reasons a tab drops what is told only. */
const whisperReasons: ReadonlySet<string> = new Set(['offline', 'overflow', 'unreachable', 'refused']);

/** What handlers and tabs have had is what the disks hold, and they count it so. */
export function checkAll(scene: Scene): void {
  for (const device of scene.devices) {
    checkHandlers(scene, device.disk);
    for (const tab of device.tabs)
      if (tab.disk === device.disk) for (const hearing of tab.hearings) checkHeard(scene, tab, hearing);
    for (const tab of livingOf(device)) checkCounts(scene, tab);
  }
}

/** The relay's counts are what was done; and whoever reads from it, of different devices, has seen one order. */
export async function checkRelay({ relay, history, plan, devices, fail }: Scene): Promise<void> {
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
    for (const { name, disk, hearings } of devices.flatMap(({ tabs }) => tabs)) {
      const identities = new Map(
        disk.entries().flatMap((entry) => (entry.kind === 'event' ? [[entry.event.id, identityOf(entry.event)]] : [])),
      );
      let last = -1;
      for (const heard of hearings.flatMap(({ relayed }) => relayed.get(channel) ?? [])) {
        const place = 'id' in heard ? order.get(identities.get(heard.id) ?? '') : undefined;
        if (place === undefined) continue;
        if (place <= last)
          fail(`${name} heard ${'id' in heard && heard.id} of "${channel}" in another order than others`);
        last = place;
      }
    }
  }
}

/** Longer than somebody who has left is still present, in milliseconds. */
const presenceMsMax = 15_000;
/** A channel outgrows its number of events by a sixteenth, and by a commit, which is dropped as a whole. */
const overgrowth = 17 / 16;

/** Who reads by hand was told what was so; who is there is listed as there, and nobody else; no channel keeps more than it may. */
export async function checkStrangers({ base, dice, relay, history, strangers, plan, fail }: Scene): Promise<void> {
  for (const stranger of strangers) stranger.check();
  const left = strangers.filter(() => dice.chance(0.4));
  for (const stranger of left) stranger.leave();
  await base.advance(presenceMsMax);
  for (const channel of plan.channels) {
    const names = strangers.flatMap((its) => (its.channel === channel ? [its.presentAs] : []));
    const there = [...new Set(names.filter((name) => name !== undefined))].toSorted().join();
    const listed = ((await relay.presence(channel)) ?? []).map(({ clientId }) => clientId).toSorted();
    if (listed.join() !== there) fail(`on "${channel}" are ${there}, and ${listed.join()} are listed`);
    const { events = [], trimmed = 0, largest = 0 } = history.channel(channel).epochs.at(-1) ?? {};
    const held = events.length - trimmed;
    if (held > plan.retentionEvents * overgrowth + largest)
      fail(`"${channel}" holds ${held} events, and is to hold ${plan.retentionEvents}`);
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
export async function whisper({ base, devices, plan, dice, fail }: Scene): Promise<void> {
  const living = devices.flatMap(livingOf);
  // One that hung, before the faults had ended, holds up the next for as long.
  await base.advance(hungMsMax);
  const said = plan.channels.flatMap((channel) => dice.any(living)?.whisper(channel) ?? []);
  await base.advance(1000);
  for (const { name, whispers } of living) {
    for (const text of said)
      if (whispers.get(text) !== 1) fail(`${name} heard the whisper ${text} ${whispers.get(text) ?? 0} times`);
  }
}

/** A tab's counts are what happened to it. */
function checkCounts({ fail }: Scene, { name, release, runtime, counts }: SimTab): void {
  const its = runtime?.status.get().counts;
  if (its === undefined) return;
  for (const what of ['published', 'refused', 'delivered', 'failed'] as const)
    if (its[what] !== counts[what]) fail(`${name} counts ${its[what]} ${what}, and it was ${counts[what]}`);
  // A whisper may find no way, and is counted then; whatever is stored, the newest release understands.
  const stored = Object.keys(its.dropped).filter((reason) => !whisperReasons.has(reason));
  if (release === 2 && stored.length > 0) fail(`${name} counts as dropped ${JSON.stringify(its.dropped)}`);
}

/** What a tab has heard, while it listened, is what the log holds: without a hole, and nothing of what was before. */
function checkHeard({ fail }: Scene, tab: SimTab, { head, told, local, relayed, isOver }: Hearing): void {
  const { name, release, disk } = tab;
  const isHere = tab.life.state !== 'dead' && tab.closing === 'no' && !isOver;
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
    const firstNew = wanted.findIndex(({ kind, position }) => kind === 'event' && position > head);
    if (firstEvent < 0) {
      if (isHere && firstNew >= 0) fail(`${who} heard nothing, and the log has ${texts[firstNew]} since it listens`);
      return;
    }
    const from = texts.indexOf(got[firstEvent] ?? '');
    if ((wanted[from]?.position ?? 0) <= told) fail(`${who} heard ${got[firstEvent]}, which was before it listened`);
    let at = from;
    // Behind a gap that the device tells of its own log, what was trimmed before may be missing; not only at once, since what
    // is still to be sent, or to be handled, stays where it is.
    let gone: ReadonlySet<number> = new Set();
    for (const [index, text] of got.entries()) {
      const its = heard[index];
      if (its !== undefined && 'gap' in its && text === trimmedGap && text !== texts[at])
        gone = new Set([...disk.facts.gone.keys()].slice(0, its.gone));
      if (index < firstEvent) continue;
      if (index === firstEvent && firstNew >= 0) {
        const lost = wanted.slice(firstNew, at).find(({ kind, position }) => kind === 'event' && !gone.has(position));
        if (lost !== undefined) fail(`${who} heard ${text} first, and not ${lost.position}, which came before it`);
      }
      if (its !== undefined && 'gap' in its && text === trimmedGap && text !== texts[at]) continue;
      while (text !== texts[at] && gone.has(wanted[at]?.position ?? -1)) at += 1;
      if (from < 0 || text !== texts[at]) return fail(`${who} heard ${text} where the log has ${texts[at]}`);
      at += 1;
    }
    if (isHere && at !== texts.length) fail(`${who} heard up to ${got.at(-1)}, and the log goes on with ${texts[at]}`);
  }
}
