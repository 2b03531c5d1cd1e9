// What a simulated tab is to those who play with it and check it.
import type { Runtime } from '../../runtime/runtime.ts';
import type { Disk, NoteData } from './device.ts';
import type { Hearing } from './ears.ts';
import type { Life } from './life.ts';
import type { NoteEvents, Release } from './notes.ts';
import type { SimWorld } from './world.ts';

/** A tab. */
export interface SimTab {
  readonly name: string;
  readonly release: Release;
  readonly life: Life;
  readonly world: SimWorld;
  readonly disk: Disk;
  /** Undefined before it has opened. */
  readonly runtime: Runtime<NoteEvents> | undefined;
  /** Whether it was told to close, and whether it has. */
  readonly closing: 'no' | 'under way' | 'done';
  /** Why it could not be opened, or lost its log. */
  readonly failure: unknown;
  /** What its live handlers have heard, each time that it listened. */
  readonly hearings: readonly Hearing[];
  /** Its live handlers hear from now on, if they did not. */
  listen(): void;
  publish(channel: string, more?: Pick<NoteData, 'retryAfterMs'>): void;
  /** Tells all that are there; answers what. */
  whisper(channel: string): string | undefined;
  /** Trims the device's log, as a tab does when it has grown. */
  trim(): void;
  /** How often it heard each whisper. */
  readonly whispers: ReadonlyMap<string, number>;
  /** What happened here, as its status ought to say it. */
  readonly counts: Readonly<Record<'published' | 'refused' | 'delivered' | 'failed', number>>;
  close(): void;
  /** Whether somebody looks at it. */
  readonly isVisible: boolean;
  show(isVisible: boolean): void;
}
