// Once the faults have ended: everything that was kept is at the relay, and everybody who is there has heard all of it.
import type { Violation } from './compare.ts';
import type { Stage } from './stage.ts';
import { channels, whole } from './tale.ts';

/** How long it may take, in milliseconds: the longest backoffs, twice, on a machine that does other things too. */
const restMsMax = 120_000;
const lookMs = 100;
/** A tab that tells ten times a second, and has not for so long, is not there. */
const silentMsMax = 10_000;

/** Waits for rest. What is missing when the time is over is a violation. */
export async function comeToRest(stage: Stage): Promise<readonly Violation[]> {
  const { publisher, audit } = stage;
  const until = performance.now() + restMsMax;
  stage.play(false);
  const isQuiet = await waited(until, () => [...silent(stage), ...pending(stage)]);
  if (isQuiet.length > 0) return isQuiet.map(asViolation);
  await publisher.pause();
  // The last word of each channel: whoever has heard it has heard, or was told of, everything before.
  const at = await publisher.finish();
  await audit.catchUp();
  const left = await waited(until, () => [...silent(stage), ...pending(stage), ...deaf(stage, at), ...idle(stage)]);
  return left.map(asViolation);
}

function asViolation(what: string): Violation {
  return { kind: 'no rest', what: `after ${restMsMax / 1000} s ${what}` };
}

/** What is missing in the end; nothing, as soon as nothing is. */
async function waited(until: number, missing: () => readonly string[]): Promise<readonly string[]> {
  for (;;) {
    const left = missing();
    if (left.length === 0 || performance.now() > until) return left;
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}

function tabsOf({ devices }: Stage): readonly string[] {
  return devices.flatMap(({ tabs }) => tabs.map(({ name }) => name));
}

function silent(stage: Stage): readonly string[] {
  return tabsOf(stage).flatMap((tab) => {
    const story = stage.journal.tabs.get(tab);
    if (story === undefined) return [`the tab ${tab} has told nothing`];
    return performance.now() - story.at < silentMsMax ? [] : [`the tab ${tab} tells nothing any more`];
  });
}

function pending(stage: Stage): readonly string[] {
  return tabsOf(stage).flatMap((tab) => {
    const { pending = 0, connection = '' } = stage.journal.tabs.get(tab)?.last ?? {};
    return pending === 0 ? [] : [`the tab ${tab}, ${connection}, says that ${pending} events are not confirmed`];
  });
}

/** Tabs that have not heard the last word of a channel. */
function deaf(stage: Stage, at: number): readonly string[] {
  return tabsOf(stage).flatMap((tab) => {
    const heard = stage.journal.tabs.get(tab)?.heard ?? [];
    return channels.flatMap((channel) => {
      const last = heard.findLast((item) => item.channel === channel && 'at' in item);
      if (last !== undefined && 'at' in last && last.at >= at) return [];
      return [`the tab ${tab} has not heard the last event of "${channel}"`];
    });
  });
}

/** Devices that have not handled every order. */
function idle({ devices, journal, audit }: Stage): readonly string[] {
  const orders = (audit.logs.get(whole)?.events ?? []).filter(({ type }) => type === 'order.placed');
  return devices.flatMap(({ name }) => {
    const handled = journal.handled.get(name);
    const left = orders.filter(({ id }) => handled?.has(id) !== true).length;
    return left === 0 ? [] : [`the device of ${name} has not handled ${left} of ${orders.length} orders`];
  });
}
