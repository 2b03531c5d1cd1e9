// Before a simulated world comes to rest: whoever works for its device is frozen, and another goes on within bounded time.
import { identityOf } from '../../event/cloudevent.ts';
import type { Scene } from './scene.ts';
import type { SimDevice } from './sim-device.ts';
import { livingOf } from './steps.ts';
import type { SimTab } from './sim-tab.ts';
import { wantedOf } from './wants.ts';

/** How long the task waits that an owner leaves behind, in milliseconds: it is frozen before that is over. */
const retryAfterMs = 10_000;
/** Within how much time a tab in sight goes on where the leader has frozen, in milliseconds. */
const failOverMs = 3000;

/** Freezes the tabs that run handlers: within a minute and a half another of their device has each, and its events. */
export async function takeOver(scene: Scene): Promise<void> {
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
export async function failOver({ devices, dice, plan, base, history, fail }: Scene): Promise<void> {
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

/** Tabs that run. */
export function awakeOf(device: SimDevice): readonly SimTab[] {
  return livingOf(device).filter(({ life }) => life.state === 'alive');
}
