// When a failed delivery is tried again: soon for a blip, over days for an outage, and never together with a thousand others.
import type { World } from '@godwit/core';
import type { Receipt } from './types.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/**
 * The waits behind each attempt: the schedule that the specification of Standard Webhooks gives as an example. The tenth
 * attempt, some three days behind the first, is the last.
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
const waitsMs: readonly number[] = [
  5000,
  5 * minuteMs,
  30 * minuteMs,
  2 * hourMs,
  5 * hourMs,
  10 * hourMs,
  14 * hourMs,
  20 * hourMs,
  24 * hourMs,
];

/** Attempts in all; then it is a dead letter. */
export const attemptsMax: number = waitsMs.length + 1;
/** A wait is so much longer or shorter, by chance: receivers that were down together do not get everything at once. */
const jitter = 0.2;
/** A receiver may ask for a longer wait, but for no longer than this. */
const retryAfterMsMax = 24 * hourMs;

/** How long to wait behind this attempt, from 1; null: it was the last. */
export function waitBehind(attempt: number, receipt: Receipt | undefined, world: Pick<World, 'random'>): number | null {
  const wait = waitsMs[attempt - 1];
  if (wait === undefined) return null;
  const spread = wait * (1 - jitter + world.random() * 2 * jitter);
  return Math.ceil(Math.max(spread, askedMs(receipt)));
}

/** Seconds alone: a date would be judged by two clocks. */
function askedMs(receipt: Receipt | undefined): number {
  const seconds = /^\d{1,9}$/.test(receipt?.retryAfter ?? '') ? Number(receipt?.retryAfter) : 0;
  return Math.min(seconds * 1000, retryAfterMsMax);
}
