// What a tab tells the run, and what every event of the run looks like: shared by the page and by those who check.

/** The channel that the relay keeps whole. */
export const whole = 'notes';
/** The channel of which the relay keeps little, so that who is away for long misses some, and must be told. */
export const brief = 'brief';
/** Both, the whole one first. */
export const channels = [whole, brief] as const;

/** One event in so many goes to the brief channel. */
export const briefEvery = 4;
/** One event in so many is an order, which every device handles durably. */
export const orderEvery = 10;

/** The payload of every event. */
export interface Note {
  /** Who published it: a tab, or the publisher. Never the same twice. */
  readonly by: string;
  /** Which of its events it is. */
  readonly n: number;
  /** When, in milliseconds since 1970: tells what was published behind the end of a fault. */
  readonly at: number;
  /** Follows from the others, so that whatever was changed on its way is noticed. */
  readonly text: string;
}

/** A note of this publisher. */
export function writeNote(by: string, n: number, at: number): Note {
  return { by, n, at, text: textOf(by, n, at) };
}

/** Whether it is as somebody wrote it. */
export function isAsWritten({ by, n, at, text }: Note): boolean {
  return text === textOf(by, n, at);
}

/** About 100 characters, some of several bytes each: an event of everyday size. */
function textOf(by: string, n: number, at: number): string {
  return `the ${n}th of ${by}, at ${at}: Limosa lapponica — eleven thousand kilometres, ŝajne sen halto, ${n * 7919}`;
}

/** The event's type. */
export function typeOf(n: number): 'order.placed' | 'note.written' {
  return n % orderEvery === 0 ? 'order.placed' : 'note.written';
}

/** Where the n-th event goes. */
export function channelOf(n: number): string {
  return n % briefEvery === 0 ? brief : whole;
}

/** An event whose publish has resolved. */
export interface Acknowledged {
  readonly id: string;
  readonly channel: string;
  readonly n: number;
  /** False: the page's status said that it keeps things in memory, lost with the tab. */
  readonly onDisk: boolean;
}

/** What a handler of a tab had, in its order: an event, or that some will never come. */
export type Heard =
  | {
      readonly channel: string;
      readonly offset: string;
      readonly id: string;
      readonly by: string;
      readonly at: number;
      readonly intact: boolean;
    }
  | { readonly channel: string; readonly missed: number | null; readonly reason: string };

/** What a tab tells, some ten times a second: what came since it told last, and how it stands. */
export interface Tale {
  readonly tab: string;
  /** Counts its tales: one that comes again, since its answer was lost, is the same. */
  readonly turn: number;
  readonly acknowledged: readonly Acknowledged[];
  readonly heard: readonly Heard[];
  /** Calls of publish that were refused, by the failure's name. */
  readonly refused: Readonly<Record<string, number>>;
  readonly pending: number;
  readonly connection: string;
  readonly storage: string;
  readonly role: string;
  /** Dead letters of the durable handler. */
  readonly dead: number;
}

/** What a tab is told in answer: how many events a second it is to publish. */
export interface Orders {
  readonly perSecond: number;
}
