// A channel as a list: the newest on top, in the relay's order, and above it what this tab published and the relay has not confirmed, or has refused.
import { one } from '../dom.ts';
import { makeRow, refuseRow, type Shown } from './row.ts';

/** Rows beyond this leave the page (never the log): nobody scrolls further, and a page of 100,000 rows is slow. */
export const rowsMax = 200;

/** One column of the board. */
export interface Column {
  /** An own event that is on disk. */
  addPending(shown: Shown): void;
  /** An event in the relay's order; if it is an own pending one, it has found its place. */
  addOrdered(shown: Shown): void;
  /** The relay does not take an own pending event. */
  refuse(id: string, why: string): void;
}

/** Fills the column of this name. */
export function makeColumn(name: string, channel: string): Column {
  const section = one(`[data-column="${name}"]`);
  const rows = one('.rows', section);
  const pending = section.querySelector('.pending');
  const waiting = new Map<string, HTMLElement>();
  // Confirmed ids of the rows that are shown: a confirmation can be quicker than the promise of its own publish.
  const ordered = new Map<string, HTMLElement>();
  one('[data-channel]', section).textContent = channel;

  return {
    addPending(shown) {
      if (pending === null || ordered.has(shown.id)) return;
      const row = makeRow(shown);
      waiting.set(shown.id, row);
      pending.prepend(row);
      // A long time offline: the count says how many there are, the list shows the newest.
      const oldest = waiting.keys().next();
      if (waiting.size > rowsMax && oldest.done !== true) drop(waiting, oldest.value);
    },
    addOrdered(shown) {
      drop(waiting, shown.id);
      const row = makeRow(shown);
      ordered.set(shown.id, row);
      rows.prepend(row);
      const oldest = ordered.keys().next();
      if (ordered.size > rowsMax && oldest.done !== true) drop(ordered, oldest.value);
    },
    refuse(id, why) {
      const row = waiting.get(id);
      if (row !== undefined) refuseRow(row, why);
    },
  };
}

function drop(rows: Map<string, HTMLElement>, id: string): void {
  rows.get(id)?.remove();
  rows.delete(id);
}
