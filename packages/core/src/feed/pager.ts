// Pages of a channel, and long polls: a page that has nothing to show may wait for news.
import type { LogPage, LogPosition } from '../ports/log.ts';
import type { World } from '../ports/world.ts';
import { formatOffset, parsePosition } from '../protocol/offset.ts';
import { Failure } from '../failure.ts';
import type { ChannelPage } from './channel.ts';
import type { PageQuery } from './query.ts';
import { countDropped, type DeliveryCounts } from './counts.ts';
import { createNews } from './news.ts';
import { turn } from './turn.ts';
import { compileFilter, readAttributes, type Wants } from './filter.ts';

/** Serves pages. */
export interface Pager {
  /** Reads a page of the log; waits up to `waitMs` when there is nothing to show. */
  page(query: PageQuery, read: Read): Promise<ChannelPage>;
  /** There is news: whoever waits looks again. */
  wake(): void;
  /** Nobody waits any longer, now or later. */
  end(): void;
}

/** Reads the log behind a position; see `Log.read`. */
type Read = (from: LogPosition, limit: number) => Promise<LogPage>;

/** How many records one filtered page looks at, at most: a rare type must not read a whole log in one request. */
const scannedMax = 10_000;
/** Where records are large, a read brings few of them: this bounds what such a page reads. */
const readsMax = 64;
/** A filtered page reads at least so many at once: each read costs about the same, whether it brings one record or these. */
const scannedAtOnce = 256;

/** A page, and where its reading has come to. */
interface Look {
  readonly page: ChannelPage;
  readonly last: LogPosition;
  /** How many events its filter has passed by. */
  readonly filtered: number;
}

/** Makes a pager. What it hands over is counted as every transport's. */
export function createPager(world: World, counts: DeliveryCounts): Pager {
  const news = createNews(world);

  return {
    async page({ after, limit, waitMs, until = Infinity, isLook = false, ...filter }, read) {
      let filtered = 0;
      let position = parsePosition(after === '' ? 'latest' : after);
      const wants = compileFilter(filter);
      const watch = news.watch(waitMs, until);
      try {
        for (;;) {
          // Before the look, so that what comes while it looks is not slept through.
          watch.clear();
          const { page, last, filtered: passed } = await look(world, read, position, wants, limit);
          filtered += passed;
          const isSomething = page.events.length > 0 || page.gap !== undefined || !page.upToDate;
          if (isSomething || watch.isOver || !(await watch.next())) {
            if (world.now() >= until) throw expired();
            if (!isLook) count(page, filtered);
            return page;
          }
          position = last;
        }
      } finally {
        watch.stop();
      }
    },
    wake: news.ring,
    end: news.end,
  };

  function count({ events, gap }: ChannelPage, filtered: number): void {
    counts.delivered += events.length;
    counts.filtered += filtered;
    if (gap?.reason === 'retention') countDropped(counts.dropped, gap.reason, gap.missed ?? 0);
  }
}

function expired(): Failure {
  return new Failure('Unauthenticated', 'the token expired while this request waited; come back with a new one');
}

/** Reads on until there is enough to show, nothing more to read, or enough was looked at. */
async function look(
  world: World,
  read: Read,
  from: LogPosition,
  wants: Wants | undefined,
  limit: number,
): Promise<Look> {
  const atOnce = wants === undefined ? limit : Math.max(limit, scannedAtOnce);
  const events: string[] = [];
  let gap: LogPage['gap'];
  let scanned = 0;
  let filtered = 0;
  let position = from;
  let shown: Look | undefined;
  for (let reads = 1; ; reads += 1) {
    const page = await read(position, atOnce);
    // Trimmed between two reads: what was found so far is a page, and the gap is the next one's.
    if (page.gap !== undefined && shown !== undefined) return shown;
    gap ??= page.gap;
    let sequence = page.after;
    for (const { type, json, sequence: here } of page.records) {
      if (events.length >= limit) break;
      sequence = here;
      if (wants === undefined || wants(type, () => readAttributes(json))) events.push(json);
      else filtered += 1;
    }
    scanned += page.records.length;
    const upToDate = sequence >= page.head;
    position = { epoch: page.epoch, sequence };
    const next = formatOffset(page.epoch, sequence);
    const found = { events, next, upToDate };
    shown = { page: gap === undefined ? found : { ...found, gap }, last: position, filtered };
    const isEnough = events.length >= limit || scanned >= scannedMax || reads >= readsMax;
    if (upToDate || wants === undefined || isEnough) return shown;
    await turn(world);
  }
}
