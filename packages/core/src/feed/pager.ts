// Pages of a channel, and long polls: a page that has nothing to show may wait for news.
import type { Log, LogPage, LogPosition } from '../ports/log.ts';
import type { World } from '../ports/world.ts';
import { formatOffset, parsePosition } from '../protocol/offset.ts';
import type { ChannelPage, ReadQuery } from './channel.ts';
import { compileTypes } from './types.ts';

/** What a page is asked for with. */
export type PageQuery = ReadQuery & { readonly limit: number; readonly waitMs: number };

/** Serves pages. */
export interface Pager {
  /** Reads a page; waits up to `waitMs` when there is nothing to show. The log is asked for anew after each wait. */
  page(query: PageQuery, log: () => Promise<Log>): Promise<ChannelPage>;
  /** There is news: whoever waits looks again. */
  wake(): void;
  /** Nobody waits any longer, now or later. */
  end(): void;
}

/** How many records one filtered page looks at, at most: a rare type must not read a whole log in one request. */
const scannedMax = 10_000;

/** Makes a pager. */
export function createPager(world: World): Pager {
  const waiting = new Set<() => void>();
  let isEnded = false;

  return {
    async page({ after, types, limit, waitMs }, log) {
      let position = parsePosition(after === '' ? 'latest' : after);
      const wants = compileTypes(types);
      let isOver = waitMs <= 0;
      const stopTimer = isOver ? undefined : world.after(waitMs, () => ((isOver = true), wake()));
      try {
        for (;;) {
          // Before the look, so that what comes while it looks is not slept through.
          const news = nextNews();
          const { page, last } = await look(await log(), position, wants, limit);
          if (page.events.length > 0 || page.gap !== undefined || !page.upToDate || isOver || isEnded) return page;
          position = last;
          await news;
        }
      } finally {
        stopTimer?.();
      }
    },
    wake,
    end() {
      isEnded = true;
      wake();
    },
  };

  function nextNews(): Promise<void> {
    return new Promise((resolve) => waiting.add(resolve));
  }

  function wake(): void {
    const woken = [...waiting];
    waiting.clear();
    for (const resolve of woken) resolve();
  }
}

/** Reads on until there is enough to show, nothing more to read, or enough was looked at. */
async function look(
  log: Log,
  from: LogPosition,
  wants: ((type: string) => boolean) | undefined,
  limit: number,
): Promise<{ readonly page: ChannelPage; readonly last: { readonly epoch: string; readonly sequence: number } }> {
  const events: string[] = [];
  let gap: LogPage['gap'];
  let scanned = 0;
  let position = from;
  for (;;) {
    const page = await log.read(position, limit);
    gap ??= page.gap;
    let sequence = page.after;
    for (const { type, json, sequence: here } of page.records) {
      if (events.length >= limit) break;
      sequence = here;
      if (wants === undefined || wants(type)) events.push(json);
    }
    scanned += page.records.length;
    const upToDate = sequence >= page.head;
    if (upToDate || wants === undefined || events.length >= limit || scanned >= scannedMax) {
      const next = formatOffset(page.epoch, sequence);
      const shown = { events, next, upToDate };
      return { page: gap === undefined ? shown : { ...shown, gap }, last: { epoch: page.epoch, sequence } };
    }
    position = { epoch: page.epoch, sequence };
  }
}
