// Many readings on one connection: each hangs on its own channel, and all of them write to one sink.
import type { Sink } from '@godwit/core/feed';
import type { AttachReading, Reading } from './attach.ts';
import type { Merging } from '../routes/merge.ts';

/** Readings that become one. */
export interface MergedReadings extends Merging<AttachReading> {
  /** Hands the connection over, once. */
  readonly attach: AttachReading;
}

/** A `drain` is handed over by itself, and is no longer than this. */
const drainBytesMax = 256;
const drainStart = new TextEncoder().encode('event: drain\n');

/** Makes it. What is put in before the connection is handed over waits for it. */
export function mergeReadings(): MergedReadings {
  const endings = new Set<() => void>();
  const early: Uint8Array[] = [];
  const waiting: AttachReading[] = [];
  const readings: Reading[] = [];
  let sink: Sink | undefined;
  let isWelcome = true;
  /** Who is served first when there is room again: none is always the last. */
  let first = 0;
  let silentTicks = 0;
  let isEnding = false;
  let isOver = false;
  let drainFrame: Uint8Array | undefined;

  const own: Sink = {
    send(frames) {
      if (isDrain(frames)) drainFrame ??= frames;
      else write(frames);
      return isWelcome;
    },
    close: end,
  };

  return {
    attach(its) {
      sink = its;
      for (const frame of early.splice(0)) write(frame);
      for (const attach of waiting.splice(0)) hang(attach);
      if (isEnding) end();
      return {
        resume() {
          isWelcome = true;
          const all = readings.length;
          for (let turn = 0; turn < all; turn += 1) {
            // One of them may have filled the connection again, or ended it.
            if (!isWelcome || isOver) break;
            readings[(first + turn) % all]?.resume();
          }
          first = (first + 1) % Math.max(1, all);
        },
        detach: finish,
      };
    },
    add(attach) {
      if (isOver || isEnding) return;
      if (sink === undefined) waiting.push(attach);
      else hang(attach);
    },
    send: write,
    drain(frame) {
      drainFrame ??= frame;
      end();
    },
    beat(ticks, frame) {
      silentTicks += 1;
      if (isWelcome && silentTicks >= ticks) write(frame);
    },
    end,
    onEnd(listener) {
      if (isOver) listener();
      else endings.add(listener);
      return () => endings.delete(listener);
    },
  };

  function hang(attach: AttachReading): void {
    if (isOver) return;
    const reading = attach(own);
    // One that ends at once has ended all of them.
    if (isOver) reading.detach();
    else readings.push(reading);
  }

  function write(frames: Uint8Array): void {
    if (isOver) return;
    silentTicks = 0;
    if (sink === undefined) early.push(frames);
    else isWelcome = sink.send(frames);
  }

  /** The whole ends with any of them: its reader then resumes them all. */
  function end(): void {
    isEnding = true;
    if (isOver || sink === undefined) return;
    if (drainFrame !== undefined) write(drainFrame);
    finish();
    sink.close();
  }

  function finish(): void {
    if (isOver) return;
    isOver = true;
    for (const reading of readings) reading.detach();
    for (const listener of endings) listener();
  }
}

function isDrain(frames: Uint8Array): boolean {
  return frames.byteLength <= drainBytesMax && drainStart.every((byte, index) => frames[index] === byte);
}
