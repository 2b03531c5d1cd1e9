// What goes wrong: each kind strikes something, lasts, and is healed.
import type { Dice } from '@godwit/core/testing';
import { deviceOf, publisherName } from './journal.ts';
import { lineFaults, type LineFault } from './proxy.ts';
import type { Stage } from './stage.ts';

/** What is struck. Nothing is struck twice at a time. */
export type Target = 'relay' | `line of ${string}` | `device of ${string}`;

/** Something that can go wrong. */
export interface Fault {
  readonly kind: string;
  /** How often it is drawn, beside the others. */
  readonly weight: number;
  /** How long it lasts, in milliseconds. */
  readonly msMin?: number;
  readonly msMax: number;
  targets(stage: Stage): readonly Target[];
  /** Why this machine cannot have it, if it cannot. */
  unable?(stage: Stage): string | undefined;
  /** Lets it happen, and answers how it is healed. */
  strike(stage: Stage, target: Target, dice: Dice): Promise<() => Promise<void>>;
}

/** How long each of them lasts at most: some longer than a client waits between two tries, so that backoffs count. */
const lineMsMax: Readonly<Record<LineFault, number>> = {
  cut: 1,
  // Until there is a next piece.
  halved: 1000,
  corrupted: 1000,
  delayed: 5000,
  silent: 8000,
  // Beyond what the brief channel keeps: whoever comes back has missed something.
  refused: 15_000,
};

const lines: readonly Fault[] = lineFaults.map((kind) => ({
  kind: `line ${kind}`,
  weight: 3,
  msMax: lineMsMax[kind],
  targets: ({ lines }) => [...lines.keys()].map((name): Target => `line of ${name}`),
  async strike({ lines }, target) {
    const line = lines.get(ownerOf(target));
    line?.strike(kind);
    return async () => line?.heal();
  },
}));

const relays: readonly Fault[] = [
  onRelay('relay killed', 3, 3000, async ({ relay }) => {
    await relay.kill();
    return () => relay.start();
  }),
  onRelay('relay told to end', 2, 2000, async ({ relay }) => {
    await relay.stop();
    return () => relay.start();
  }),
  onRelay('relay held', 2, 4000, async ({ relay }) => {
    relay.hold();
    return async () => relay.release();
  }),
  {
    ...onRelay('relay’s disk full', 2, 4000, async ({ disk }) => {
      await disk.fill();
      return async () => disk.free();
    }),
    unable: ({ disk }) => disk.unable,
  },
];

const devices: readonly Fault[] = [
  onDevice('browser killed', 3, 10_000, async (device) => {
    await device.kill();
    return () => device.start();
  }),
  onDevice('tab crashed', 3, 2000, async (device, dice) => {
    const tab = dice.any(device.tabs);
    if (tab !== undefined) await device.crash(tab);
    return () => device.open();
  }),
  onDevice('tab closed', 2, 2000, async (device, dice) => {
    const tab = dice.any(device.tabs);
    if (tab !== undefined) await device.close(tab);
    return () => device.open();
  }),
  onDevice('tab frozen', 3, 10_000, async (device, dice) => {
    const tab = dice.any(device.tabs);
    if (tab !== undefined) await device.freeze(tab);
    return () => device.thaw();
  }),
  {
    ...onDevice('quota exceeded', 1, 40_000, async (device) => {
      // Less than anything that is stored already.
      await device.limit(1);
      return () => device.limit(undefined);
    }),
    // Chromium asks its quota for room only now and then: for so long it goes on with what it was told last.
    msMin: 32_000,
  },
];

/** Everything that can go wrong. */
export const faults: readonly Fault[] = [...lines, ...relays, ...devices];

/** Whose it is. */
export function ownerOf(target: Target): string {
  return target.slice(target.lastIndexOf(' ') + 1);
}

/** Who hears nothing, or is not heard, while this is struck. */
export function affected({ devices }: Stage, target: Target): readonly string[] {
  return target === 'relay' ? [...devices.map(({ name }) => name), publisherName] : [deviceOf(ownerOf(target))];
}

type Heal = () => Promise<void>;

function onRelay(kind: string, weight: number, msMax: number, strike: (stage: Stage) => Promise<Heal>): Fault {
  return { kind, weight, msMax, targets: () => ['relay'], strike };
}

function onDevice(
  kind: string,
  weight: number,
  msMax: number,
  strike: (device: Stage['devices'][number], dice: Dice) => Promise<Heal>,
): Fault {
  return {
    kind,
    weight,
    msMax,
    targets: ({ devices }) => devices.map(({ name }): Target => `device of ${name}`),
    async strike({ devices }, target, dice) {
      const device = devices.find(({ name }) => name === ownerOf(target));
      return device === undefined ? async () => undefined : await strike(device, dice);
    },
  };
}
