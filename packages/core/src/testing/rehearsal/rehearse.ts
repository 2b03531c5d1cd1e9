// Rehearses an application: many seeds, each a world in which it is used, and in which everything that can go wrong does.
import type { EventDefinitions } from '../../event/define.ts';
import {
  RehearsalFailed,
  type Application,
  type RehearsalOptions,
  type Rehearsed,
  type Rested,
} from './application.ts';
import { comeToRest } from './rest.ts';
import { setStage, type Stage } from './stage.ts';
import { doStep } from './steps.ts';

/** The longest that passes between two steps, in milliseconds: some come close together, and backoffs run out. */
const pauseMsMax = 5000;

/**
 * Tests an application's events and durable handlers where they will be: on several devices, with several tabs each, over one
 * relay, the real runtime in all of them. Only what is below it is simulated, and goes wrong as the seed draws it: tabs are closed,
 * killed and frozen within any call, disks fail or are full, answers are lost, streams break, the relay is killed and drained,
 * clocks jump, and what the application does `outside` fails or takes long. Time is virtual: hours take milliseconds.
 *
 * It holds no handler to more than Godwit promises: an event may be handled twice. A handler that is not idempotent is found by
 * an application that says, in `atRest`, what ought to be. Works with any test runner.
 *
 * @throws RehearsalFailed at the first seed in which `always` or `atRest` throws, a tab cannot open for the application's own
 * fault, or there is no rest within a quarter of an hour of virtual time. Made small: with the fewest steps that show it
 * @example
 * ```ts
 * import { rehearse } from '@godwit/core/testing';
 *
 * test('every receipt is sent once, whatever happens', async () => {
 *   await rehearse({
 *     events,
 *     device: () => ({ sent: new Set<string>() }),
 *     open: ({ runtime, device, outside }) =>
 *       runtime.handle('order.placed', 'send', ({ id }) => outside(() => void device.sent.add(id))),
 *     act: ({ runtime }, n) => runtime.publish('order.placed', { number: n }),
 *     atRest({ devices, logs }) {
 *       for (const { device } of devices) expect(device.sent.size).toBe(logs.get('default')?.length);
 *     },
 *   });
 * });
 * ```
 */
export async function rehearse<const Events extends EventDefinitions, Device>(
  application: Application<Events, Device>,
  options: RehearsalOptions = {},
): Promise<Rehearsed> {
  const { seeds = 50, from = 1, steps = 30 } = options;
  const faults = new Map<string, number>();
  let acts = 0;
  let events = 0;
  for (let seed = from; seed < from + seeds; seed += 1) {
    const run = await play(application, seed, steps, options);
    if (run.stage.violation !== undefined) throw await smallest(application, seed, steps, options);
    acts += run.acts;
    events += [...(run.rested?.logs.values() ?? [])].reduce((sum, log) => sum + log.length, 0);
    for (const [kind, count] of run.stage.faults.counts) faults.set(kind, (faults.get(kind) ?? 0) + count);
  }
  return { seeds, acts, events, faults };
}

interface Run<Events, Device> {
  readonly stage: Stage<Events, Device>;
  readonly rested: Rested<Device> | undefined;
  readonly acts: number;
  /** Up to the end, without the burial. */
  readonly timeline: readonly string[];
}

async function play<Events extends EventDefinitions, Device>(
  application: Application<Events, Device>,
  seed: number,
  steps: number,
  { devices = 2, tabs = 2, forgets = false }: RehearsalOptions,
): Promise<Run<Events, Device>> {
  const stage = setStage(application, seed, devices);
  const { base, dice } = stage;
  let acts = 0;
  for (let step = 0; step < steps && stage.violation === undefined; step += 1) {
    acts += doStep(stage, { application, tabsMax: tabs, forgets, acts });
    await base.advance(dice.whole(0, pauseMsMax));
    check(stage, () => application.always?.(stage.devices));
  }
  const rested = stage.violation === undefined ? await comeToRest(stage) : undefined;
  check(stage, () => application.always?.(stage.devices));
  if (rested !== undefined) check(stage, () => application.atRest?.(rested));
  const timeline = [...stage.timeline];
  await bury(stage);
  return { stage, rested, acts, timeline };
}

function check<Events, Device>({ fail }: Stage<Events, Device>, look: () => void): void {
  try {
    look();
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error), error);
  }
}

/** The seed again with fewer steps: twice as many each time until it fails, and then back towards those that did not. */
async function smallest<Events extends EventDefinitions, Device>(
  application: Application<Events, Device>,
  seed: number,
  steps: number,
  options: RehearsalOptions,
): Promise<RehearsalFailed> {
  const failing = async (fewer: number): Promise<RehearsalFailed | undefined> => {
    const { stage, timeline } = await play(application, seed, fewer, options);
    const { violation } = stage;
    if (violation === undefined) return undefined;
    return new RehearsalFailed(violation.what, { seed, steps: fewer, timeline, cause: violation.cause });
  };
  let held = 0;
  let smallest: RehearsalFailed | undefined;
  for (let fewer = 1; smallest === undefined && held < steps; fewer = Math.min(steps, fewer * 2)) {
    smallest = await failing(fewer);
    if (smallest === undefined) held = fewer;
  }
  if (smallest === undefined) {
    const what =
      'it does not fail again with the same seed: does something in it not come from `dice`, `now` and `wait`?';
    return new RehearsalFailed(what, { seed, steps, timeline: [], cause: undefined });
  }
  while (smallest.steps - held > 1) {
    const middle: number = held + Math.floor((smallest.steps - held) / 2);
    const smaller = await failing(middle);
    if (smaller === undefined) held = middle;
    else smallest = smaller;
  }
  return smallest;
}

/** Ends whatever is left. */
async function bury<Events, Device>({ devices, relay, base }: Stage<Events, Device>): Promise<void> {
  const lives = devices.flatMap(({ tabs }) => tabs.map(({ life }) => life));
  for (const life of lives) life.kill();
  relay.bury();
  for (const life of lives) life.bury();
  await base.settle();
}
