// A stage comes to rest: nothing goes wrong any more, and within bounded time nobody has anything left to do.
import type { CloudEvent } from '../../event/cloudevent.ts';
import type { EventDefinitions } from '../../event/define.ts';
import { formatOffset } from '../../protocol/offset.ts';
import type { Rested } from './application.ts';
import type { Stage, StageDevice } from './stage.ts';
import { livingOf } from './steps.ts';

/** Within how much time there is rest, in milliseconds: the longest backoff of a handler, twice, and a lease. */
const restMsMax = 15 * 60_000;
const lookMs = 5000;
/** For how long nothing may change before it counts as rest, in milliseconds: a lease of somebody dead runs out meanwhile. */
const quietMs = 60_000;
/** How many events are read at once. */
const pageMax = 1000;

/** Ends all faults and waits for rest; what is given up is tried once more. Undefined where something did not hold. */
export async function comeToRest<Events extends EventDefinitions, Device>(
  stage: Stage<Events, Device>,
): Promise<Rested<Device> | undefined> {
  const { base, relay, channels, devices, faults, note, fail } = stage;
  faults.end();
  note('world', 'comes to rest');
  relay.start();
  for (const channel of channels) relay.allow(channel);
  for (const device of devices) {
    device.isFull = false;
    for (const { life } of device.tabs) {
      life.thaw();
      // Nobody looks at a tab for long that does nothing any more.
      if (life.isStuck) life.kill();
    }
  }
  // What was slow comes to its end.
  await base.advance(20_000);
  for (const device of devices) {
    for (const tab of livingOf(device)) if (tab.isLost || tab.life.isStuck) tab.life.kill();
    if (livingOf(device).length === 0) device.open();
  }
  // A leader that was not told of an event, because the message was lost, hears of it with the next news: of which there are none
  // now. Whoever goes on looks anew.
  await base.advance(lookMs);
  for (const device of devices) {
    const runtime = runtimeOf(device);
    runtime?.pause();
    runtime?.resume();
  }
  const restless = (await untilQuiet(stage)) ?? (await tryAgain(stage));
  if (restless !== undefined) fail(`at rest, ${restless}`);
  if (stage.violation !== undefined) return undefined;
  return {
    devices: await Promise.all(
      devices.map(async (device) => ({
        name: device.name,
        device: device.device,
        dead: (await runtimeOf(device)?.tasks.list({ states: ['dead'] }, { limit: pageMax }))?.tasks ?? [],
      })),
    ),
    logs: new Map(await Promise.all(channels.map(async (channel) => [channel, await held(stage, channel)] as const))),
  };
}

/** What was given up by chance ends well now; what is still given up then is the application's. */
async function tryAgain<Events extends EventDefinitions, Device>(
  stage: Stage<Events, Device>,
): Promise<string | undefined> {
  for (const device of stage.devices) await runtimeOf(device)?.tasks.retry({ states: ['dead'] });
  return untilQuiet(stage);
}

function runtimeOf<Events extends EventDefinitions, Device>(device: StageDevice<Events, Device>) {
  return livingOf(device).find(({ its }) => its !== undefined)?.its?.runtime;
}

/** What is left to do when the time is over; undefined: nothing, and for a while. */
async function untilQuiet<Events extends EventDefinitions, Device>(
  stage: Stage<Events, Device>,
): Promise<string | undefined> {
  let before = '';
  let since = 0;
  let left: string | undefined;
  for (let waited = 0; waited < restMsMax; waited += lookMs) {
    await stage.base.advance(lookMs);
    left = await missing(stage);
    const now = fingerprintOf(stage);
    if (left !== undefined || now !== before) since = waited;
    before = now;
    if (waited - since >= quietMs) return undefined;
  }
  return left ?? 'things go on and on';
}

async function missing<Events extends EventDefinitions, Device>({
  channels,
  devices,
  relay,
}: Stage<Events, Device>): Promise<string | undefined> {
  for (const channel of channels) {
    const log = await relay.logs.open(channel);
    const { epoch, head } = await log.stat();
    await log.close();
    for (const { name, database } of devices) {
      const [read = ''] = (database.contents.cursors.get(channel)?.read ?? '').split('#');
      if (head > 0 && read !== formatOffset(epoch, head))
        return `${name} has read "${channel}" up to ${read} of ${head}`;
    }
  }
  for (const device of devices) {
    const { name, database } = device;
    const statuses = livingOf(device).map(({ its }) => its?.runtime.status.get());
    const talks = statuses.find((status) => status?.role !== 'follower');
    if (talks?.connection !== 'online') return `no tab of ${name} talks to the relay`;
    if (talks.pending > 0) return `${name} has ${talks.pending} events that the relay has not confirmed`;
    for (const { name: handler, cursor, claimed, rows } of database.contents.tasks.records.values()) {
      const open = rows.waiting + rows.running + rows.blocked + rows.cancelled;
      if (open > 0 || cursor < claimed) return `${name} has ${open} events that "${handler}" has not handled`;
    }
  }
  return undefined;
}

/** Whatever moves while somebody still has something to do. */
function fingerprintOf<Events extends EventDefinitions, Device>({ devices }: Stage<Events, Device>): string {
  return JSON.stringify(
    devices.map(({ database: { contents } }) => [
      contents.newest,
      [...contents.cursors],
      [...contents.tasks.records.values()].map(({ cursor, claimed, totals }) => [cursor, claimed, totals]),
    ]),
  );
}

async function held<Events extends EventDefinitions, Device>(
  { relay }: Stage<Events, Device>,
  channel: string,
): Promise<readonly CloudEvent[]> {
  const log = await relay.logs.open(channel);
  const { epoch, tail, head } = await log.stat();
  const events: CloudEvent[] = [];
  for (let after = tail - 1; after < head;) {
    const { records } = await log.read({ epoch, sequence: after }, pageMax);
    for (const { sequence, json } of records) {
      events.push(JSON.parse(json));
      after = sequence;
    }
    if (records.length === 0) break;
  }
  await log.close();
  return events;
}
