// Reads page by page where no stream comes through: a proxy that holds an answer back until it ends passes pages on.
import { Failure } from '@godwit/core';
import {
  decodeFrame,
  eventsPath,
  formatOffset,
  headerNames,
  mediaTypes,
  parseOffset,
  type Frame,
} from '@godwit/core/protocol';
import { isOfType, parse, strangerOf } from './answer.ts';

/** How long a relay may wait for news of a lone channel, in seconds: well below the silence after which a device gives up. */
const waitS = 20;

/** A channel's page, as a stream would have told it. */
export interface PolledPage {
  readonly frames: readonly Frame[];
  /** Where to read on behind; undefined where the channel may not be read. */
  readonly next: string | undefined;
  readonly upToDate: boolean;
}

/**
 * Asks for what `channel` has behind `after`. `ask` answers what is no refusal, and throws what a refusal stands for.
 *
 * @throws Failure `Unreachable` when the answer is not a relay's page; whatever the relay refuses it for
 */
export async function pollPage(
  ask: (path: string) => Promise<Response>,
  { channel, after, wait }: { readonly channel: string; readonly after: string; readonly wait: boolean },
): Promise<PolledPage> {
  const query = new URLSearchParams({ after, wait: wait ? String(waitS) : '0' });
  let response: Response;
  try {
    response = await ask(`${eventsPath(channel)}?${query.toString()}`);
  } catch (error) {
    if (!(error instanceof Failure) || error.name !== 'Forbidden') throw error;
    return { frames: [{ kind: 'refused', channel, name: error.name }], next: undefined, upToDate: true };
  }
  const { headers } = response;
  const next = headers.get(headerNames.nextOffset);
  if (next === null || !isOfType(response, mediaTypes.json)) throw await strangerOf(response, 'a page');
  const items: unknown = parse(await response.text());
  if (!Array.isArray(items)) throw new Failure('Unreachable', 'expected a page of events from the relay');
  const { epoch } = parseOffset(next);
  const frames: Frame[] = items.flatMap((item: unknown) => {
    const frame = decodeFrame({ data: JSON.stringify(item) });
    if (frame?.kind !== 'event') return [];
    return [{ ...frame, offset: formatOffset(epoch, Number(frame.event.sequence)) }];
  });
  const gap = headers.get(headerNames.gap);
  if (gap === 'retention' || gap === 'epoch') frames.unshift(gapFrame(channel, gap, headers, frames[0], next));
  const upToDate = headers.get(headerNames.upToDate) === 'true';
  return { frames, next, upToDate };
}

/** A page says the gap, and its first event where reading goes on: just before that. */
function gapFrame(
  channel: string,
  reason: 'retention' | 'epoch',
  headers: Headers,
  first: Frame | undefined,
  next: string,
): Frame {
  const missed = headers.get(headerNames.missed);
  const goesOn = (first?.kind === 'event' && first.offset) || undefined;
  const { epoch, sequence } = parseOffset(goesOn ?? next);
  const position = goesOn === undefined ? next : formatOffset(epoch, sequence - 1);
  return {
    kind: 'gap',
    channel,
    missed: missed === null ? null : Number(missed),
    reason,
    next: goesOn ?? next,
    position,
  };
}
