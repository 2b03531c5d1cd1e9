// What the application of a simulated tab hears: it begins to listen and stops as it likes, and keeps account of each time apart.
import type { Delivery, Engine } from '../../runtime/engine.ts';
import type { Delivered } from '../../runtime/runtime.ts';
import type { Gap } from '../../protocol/frames.ts';
import { passed, type CallParts } from './store.ts';

/** What a live handler has heard: events by position, and gaps. */
export type Heard =
  | { readonly position: number; readonly id: string }
  /** `gone`: how many entries had been trimmed by then. */
  | { readonly gap: string; readonly gone: number };

/** One time of listening. */
export interface Hearing {
  /** Where the device's log ended when it began: everything behind that is heard. */
  readonly head: number;
  /** What was handed over, or passed over, before it began: nothing up to there is heard. */
  readonly told: number;
  /** In the device's order. */
  readonly local: Heard[];
  /** In the relay's order, by channel. */
  readonly relayed: ReadonlyMap<string, Heard[]>;
  readonly isOver: boolean;
}

/** How often, of all the times that something happens, whoever comes and goes does so. */
const stirs = 0.15;
/** How long after it, and how long a batch and its answer are on their way between two threads, in milliseconds. */
const stirMsMax = 30;
const borderMsMax = 12;

/** The ears of one tab. */
export interface Ears {
  readonly hearings: readonly Hearing[];
  /** The engine as a page has it whose engine is in a worker: batches and answers take their time. */
  across(engine: Engine): Engine;
  /** The runtime is open. */
  open(): void;
  /** Listens, if it does not yet. */
  listen(): void;
  /** Something happens: perhaps it begins to listen now, or stops. */
  stir(): void;
}

/** Makes the ears of a tab. `start` registers its live handlers and answers what ends them. */
export function createEars(parts: {
  readonly call: Pick<CallParts, 'life' | 'dice' | 'base' | 'faults'>;
  readonly channels: readonly string[];
  /** Whether there is a runtime that is not being closed. */
  readonly isOpen: () => boolean;
  /** Where the device's log ends. */
  readonly head: () => number;
  readonly gone: () => number;
  readonly start: (ears: {
    readonly local: (event: Delivered) => void;
    readonly localGap: (gap: Gap) => void;
    readonly relayed: (channel: string, event: Delivered) => void;
    readonly relayedGap: (channel: string, gap: Gap) => void;
  }) => () => void;
}): Ears {
  const { channels, start, isOpen } = parts;
  const { life, dice, base, faults } = parts.call;
  const hearings: (Hearing & { isOver: boolean })[] = [];
  // Most applications listen from the first moment on.
  const comesAndGoes = dice.chance(0.4);
  let told = 0;
  let stop: (() => void) | undefined;

  return {
    hearings,
    across: (engine) => ({
      ...engine,
      start: (listener) =>
        engine.start({
          ...listener,
          async deliver(batch) {
            if (!batch.some((delivery) => 'position' in delivery)) return listener.deliver(batch);
            await life.gate(passed(base, dice.whole(0, borderMsMax)));
            stir();
            const isHeard = await listener.deliver(batch);
            told = Math.max(told, ...batch.map((delivery) => placeOf(delivery, isHeard)));
            await life.gate(passed(base, dice.whole(0, borderMsMax)));
            return isHeard;
          },
        }),
    }),
    open() {
      if (!comesAndGoes || faults.isOver || dice.chance(0.5)) listen();
    },
    listen,
    stir,
  };

  function listen(): void {
    if (stop !== undefined || !isOpen() || life.state !== 'alive') return;
    const local: Heard[] = [];
    const relayed = new Map<string, Heard[]>(channels.map((channel) => [channel, []]));
    const hearing = { head: parts.head(), told, local, relayed, isOver: false };
    const missed = ({ missed, reason }: Gap): Heard => ({ gap: `${reason} ${missed}`, gone: parts.gone() });
    hearings.push(hearing);
    const end = start({
      local: (event) => void local.push(heard(event)),
      localGap: (gap) => void local.push(missed(gap)),
      relayed: (channel, event) => void relayed.get(channel)?.push(heard(event)),
      relayedGap: (channel, gap) => void relayed.get(channel)?.push(missed(gap)),
    });
    stop = () => {
      end();
      hearing.isOver = true;
      stop = undefined;
    };
  }

  function stir(): void {
    if (!comesAndGoes || faults.isOver || !dice.chance(stirs)) return;
    base.after(dice.whole(0, stirMsMax), () => {
      if (faults.isOver || !isOpen() || life.state !== 'alive') return;
      if (stop === undefined) listen();
      else stop();
    });
  }
}

function heard({ id, position }: Delivered): Heard {
  return { id, position: position ?? 0 };
}

/** What was passed over while nobody listened has a place; whoever listens by now gets it after all. */
function placeOf(delivery: Delivery, isHeard: boolean): number {
  return 'position' in delivery && !(isHeard && delivery.kind === 'passed') ? delivery.position : 0;
}
