// What form of a channel a request wants: a stream, or a page as one of two media types (RFC 9110, section 12.5.1).
import { Failure } from '@godwit/core';
import { mediaTypes } from '@godwit/core/protocol';

/** A form of a channel. */
export type Offer = 'application/json' | 'application/cloudevents-batch+json' | 'text/event-stream';

/** The forms, in the order that decides where a request has no preference. */
const offers: readonly Offer[] = [mediaTypes.json, mediaTypes.batch, mediaTypes.stream];

/** One range of an Accept header. */
interface Range {
  readonly pattern: string;
  readonly quality: number;
  readonly place: number;
}

/**
 * Chooses by quality, then by how exactly the range names the offer, then by the header's order.
 *
 * @throws Failure `NotAcceptable`
 */
export function chooseOffer(accept: string | null): Offer {
  if (accept === null || accept.trim() === '') return mediaTypes.json;
  const ranges = accept.split(',').map(rangeOf);
  const ranked = offers.flatMap((offer) => {
    // The most exact range decides, as in "text/event-stream;q=0, */*".
    const [best] = ranges
      .filter(({ pattern }) => matches(pattern, offer))
      .sort((a, b) => exactness(b.pattern) - exactness(a.pattern) || a.place - b.place);
    return best === undefined || best.quality === 0 ? [] : [{ offer, ...best }];
  });
  ranked.sort((a, b) => b.quality - a.quality || exactness(b.pattern) - exactness(a.pattern) || a.place - b.place);
  const [chosen] = ranked;
  if (chosen !== undefined) return chosen.offer;
  throw new Failure('NotAcceptable', `a channel is served as ${offers.join(', ')}; the request accepts only ${accept}`);
}

function rangeOf(text: string, place: number): Range {
  const [pattern = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
  const number = quality === undefined ? 1 : Number(quality);
  return { pattern, quality: number >= 0 && number <= 1 ? number : 0, place };
}

function matches(pattern: string, offer: Offer): boolean {
  return pattern === '*/*' || pattern === offer || pattern === `${offer.split('/')[0]}/*`;
}

function exactness(pattern: string): number {
  if (pattern === '*/*') return 0;
  return pattern.endsWith('/*') ? 1 : 2;
}
