// What an application says to be rehearsed: its events, its handlers, what people do in it, and what must hold.
import type { CloudEvent } from '../../event/cloudevent.ts';
import type { EventDefinitions } from '../../event/define.ts';
import type { TaskRow } from '../../ports/tasks.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { Dice } from '../sim/dice.ts';

/** A tab of a rehearsal, as the application has it. */
export interface RehearsedTab<Events, Device> {
  /** As `device1.2`. No two tabs of a rehearsal have the same. */
  readonly name: string;
  readonly runtime: Runtime<Events>;
  /** What the device keeps beside the runtime, whichever of its tabs is open: what the application's `device` made. */
  readonly device: Device;
  /** Chance, from the seed: with it a rehearsal can be played again. */
  readonly dice: Dice;
  /** Wall-clock milliseconds of the rehearsal, in which no time passes by itself. A device's clock may be wrong. */
  now(): number;
  /** Lets so many milliseconds pass. A tab that dies meanwhile never comes back from it. */
  wait(ms: number): Promise<void>;
  /**
   * Does something outside of the runtime: asks a server, writes to another database. It may take long; it may fail before
   * anything was done, or after; the tab may die, or be frozen, on either side of it.
   *
   * @throws Error by chance, and whatever `work` throws
   */
  outside<Answer>(work: () => Answer | Promise<Answer>): Promise<Answer>;
}

/** A device of a rehearsal that has come to rest. */
export interface RestedDevice<Device> {
  readonly name: string;
  readonly device: Device;
  /** What its durable handlers have given up, once everything was tried again with nothing going wrong. */
  readonly dead: readonly TaskRow[];
}

/** A rehearsal that has come to rest: nothing is pending, and nobody has anything left to do. */
export interface Rested<Device> {
  readonly devices: readonly RestedDevice<Device>[];
  /** What the relay holds, by channel, in its order. */
  readonly logs: ReadonlyMap<string, readonly CloudEvent[]>;
}

/** What is rehearsed. */
export interface Application<Events extends EventDefinitions, Device> {
  /** As `createRuntime` has them. */
  readonly events: Events;
  /** As `createRuntime` has them, each from the earliest; one called `default` unless said. */
  readonly channels?: readonly [string, ...string[]];
  /** Makes what a device keeps beside the runtime, once for each device: a table, a cache, a ledger of what was sent. */
  device(name: string): Device;
  /** A tab opens: it defines its handlers, as the application does when it starts. */
  open(tab: RehearsedTab<Events, Device>): void;
  /** A person does something in a tab, again and again: `n` counts, over all devices, from 1. */
  act(tab: RehearsedTab<Events, Device>, n: number): unknown;
  /** Looked at between any two steps: throws where something is that must never be. */
  always?(devices: readonly { readonly name: string; readonly device: Device }[]): void;
  /** Looked at when everything has come to rest: throws where something is missing, or is twice. */
  atRest?(rested: Rested<Device>): void;
}

/** How it is rehearsed. */
export interface RehearsalOptions {
  /** How many seeds, each a run of its own; 50 unless said. */
  readonly seeds?: number;
  /** The first of them; 1 unless said. */
  readonly from?: number;
  /** How many devices there are; 2 unless said. */
  readonly devices?: number;
  /** How many tabs a device has at most; 2 unless said. */
  readonly tabs?: number;
  /** How many steps there are before rest; 30 unless said. */
  readonly steps?: number;
  /** True: the relay forgets events that devices have not read, so that gaps are told. Then not every device gets all. */
  readonly forgets?: boolean;
}

/** How a rehearsal went in which everything held. */
export interface Rehearsed {
  readonly seeds: number;
  /** How often somebody did something. */
  readonly acts: number;
  /** Events that the relay held at rest, all seeds together. */
  readonly events: number;
  /** How often each kind of fault has struck. */
  readonly faults: ReadonlyMap<string, number>;
}

/** Something did not hold. The message says what, with which seed, and what had happened just before. */
export class RehearsalFailed extends Error {
  override readonly name = 'RehearsalFailed';
  readonly seed: number;
  /** The fewest steps with which the seed was seen to fail. */
  readonly steps: number;
  /** Who did what, and what struck, when: in virtual seconds. */
  readonly timeline: readonly string[];

  /** Says what did not hold. */
  constructor(what: string, its: { seed: number; steps: number; timeline: readonly string[]; cause: unknown }) {
    const { seed, steps, timeline, cause } = its;
    const last = timeline.slice(-timelineMax);
    super(
      `seed ${seed}: ${what}\n${last.join('\n')}\nplay it again: rehearse(application, { from: ${seed}, seeds: 1, steps: ${steps}, … })`,
      { cause },
    );
    this.seed = seed;
    this.steps = steps;
    this.timeline = timeline;
  }
}

/** How many lines of what had happened a message has. */
const timelineMax = 40;
