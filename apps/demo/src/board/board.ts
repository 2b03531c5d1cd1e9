// The board: every event in the relay's order, each channel in its column; first what the device holds, then what comes.
import { isFailure, toFailure, type DeliveredBy, type Published, type Runtime } from '@godwit/core';
import { find, say } from '../dom.ts';
import type { Events } from '../events/index.ts';
import type { Settings } from '../settings.ts';
import { makeColumn, rowsMax, type Column } from './column.ts';
import type { Shown } from './row.ts';

/** What the rest of the page needs of the board. */
export interface Board {
  /** Resolves once all is shown that the device held when the page was opened. */
  readonly history: Promise<unknown>;
  /** Shows an own note that is on disk and not confirmed yet; and that it is refused, if the relay does not take it. */
  addPending(shown: Shown, published: Published): void;
}

/** An event of the board. */
type BoardEvent = DeliveredBy<Events, '**'>;

/** Begins to show what there is, and what comes. */
export function startBoard(runtime: Runtime<Events>, settings: Settings): Board {
  const board = makeColumn('board', settings.board);
  const github = makeColumn('github', settings.github);
  const history = Promise.all([
    startColumn(runtime, board, settings.board),
    startColumn(runtime, github, settings.github),
  ]);
  return { history, addPending: (shown, published) => void showPending(runtime, board, shown, published) };
}

/** Shows a channel's events. Resolves once those are shown that the device held. */
function startColumn(runtime: Runtime<Events>, column: Column, channel: string): Promise<void> {
  // Every device shows the same order; own notes come once the relay has given them their place.
  const order = 'relay';
  let shownTo = 0;

  function show(event: BoardEvent): void {
    // What comes while the history is read may stand in it, too.
    if (event.position !== null && event.position <= shownTo) return;
    shownTo = event.position ?? shownTo;
    column.addOrdered(shownOf(event));
  }

  async function showHistory(): Promise<void> {
    for (const event of await readPending(runtime, channel)) void showPending(runtime, column, shownOf(event), event);
    for (const event of await newestOf(runtime.events('**', { channel, order, live: false }), rowsMax)) show(event);
  }

  const history = showHistory();
  runtime.on(
    '**',
    async (event) => {
      await history;
      show(event);
    },
    { channel, order },
  );
  return history;
}

/** Shows it until the relay has it, which shows it in its place; or refuses it. */
async function showPending(
  runtime: Runtime<Events>,
  column: Column,
  shown: Shown,
  published: Published,
): Promise<void> {
  column.addPending(shown);
  try {
    await runtime.relayed(published);
  } catch (error) {
    // It is on its way still; only this tab will not know of it.
    if (isFailure(error, 'Closed') || isFailure(error, 'WorkerFailed')) return;
    const { message } = toFailure(error);
    column.refuse(shown.id, message);
    say(find('said'), `The relay refused a note: ${message}`);
  }
}

/** The device's notes that the relay has not confirmed: the last of its own, since a publisher's events keep their order. */
async function readPending(runtime: Runtime<Events>, channel: string): Promise<readonly BoardEvent[]> {
  const { pending } = runtime.status.get();
  if (pending === 0) return [];
  const own = async function* (): AsyncGenerator<BoardEvent> {
    for await (const event of runtime.events('**', { channel, live: false })) if (event.offset === null) yield event;
  };
  return newestOf(own(), Math.min(pending, rowsMax));
}

/** The last of them: a log may hold far more than a page shows. */
async function newestOf(events: AsyncIterable<BoardEvent>, max: number): Promise<readonly BoardEvent[]> {
  const newest: BoardEvent[] = [];
  for await (const event of events) {
    newest.push(event);
    if (newest.length > max) newest.shift();
  }
  return newest;
}

function shownOf({ id, type, time, data, offset, sequence }: BoardEvent): Shown {
  return { id, type, time, telling: data, offset, sequence };
}
