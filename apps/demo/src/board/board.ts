// The board: every event in the relay's order, each channel in its column.
import type { Runtime } from '@godwit/core';
import type { Events } from '../events/index.ts';
import type { Settings } from '../settings.ts';
import { makeColumn } from './column.ts';
import type { Shown } from './row.ts';

/** What publishing needs of the board. */
export interface Board {
  /** Shows an own note that is on disk and not confirmed yet. */
  addPending(shown: Shown): void;
}

/** Begins to show what comes. */
export function startBoard(runtime: Runtime<Events>, settings: Settings): Board {
  const board = makeColumn('board', settings.board);
  const github = makeColumn('github', settings.github);

  runtime.on(
    '**',
    ({ id, type, time, data, channel, offset, sequence }) => {
      const column = channel === settings.github ? github : board;
      column.addOrdered({ id, type, time, telling: data, offset, sequence });
    },
    // Every device shows the same order; own notes come once the relay has given them their place.
    { order: 'relay' },
  );
  return { addPending: board.addPending };
}
