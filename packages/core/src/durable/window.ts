// How far a handler is: a cursor that nothing unfinished lies below, and the exceptions above it.
import type { HandlerRecord, Position } from '../ports/index.ts';

/** The part of the log that one handler is at work on. */
export interface Window {
  /** Every event up to here has ended, or has a row. */
  readonly cursor: Position;
  /** Handed out up to here. */
  readonly claimed: Position;
  /** Above the cursor: what has ended, or has a row. */
  readonly ended: readonly Position[];
  /** Whether an event is in flight, or has ended already: after events were given back, reading comes by it again. */
  has(position: Position): boolean;
  /** Hands out these, and passes over everything else up to `upTo`. */
  claim(upTo: Position, positions: readonly Position[]): void;
  end(position: Position): void;
  /** Takes back what was handed out and not begun: it is claimed again. */
  giveBack(positions: readonly Position[]): void;
}

/** Opens the window where a record left it; nothing of it may be in flight. */
export function createWindow(record: Pick<HandlerRecord, 'claimed' | 'ended'>): Window {
  let { claimed } = record;
  const ended = new Set(record.ended);
  const inFlight = new Set<Position>();

  const cursor = (): Position => {
    let lowest = claimed + 1;
    for (const position of inFlight) lowest = Math.min(lowest, position);
    return lowest - 1;
  };

  return {
    get cursor() {
      return cursor();
    },
    get claimed() {
      return claimed;
    },
    get ended() {
      const from = cursor();
      for (const position of ended) if (position <= from) ended.delete(position);
      return [...ended].toSorted((a, b) => a - b);
    },
    has: (position) => ended.has(position) || inFlight.has(position),
    claim(upTo, positions) {
      claimed = upTo;
      for (const position of positions) inFlight.add(position);
    },
    end(position) {
      if (inFlight.delete(position)) ended.add(position);
    },
    giveBack(positions) {
      for (const position of positions) {
        inFlight.delete(position);
        claimed = Math.min(claimed, position - 1);
      }
    },
  };
}
