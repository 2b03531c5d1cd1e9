// What an attribute's text must be beyond its form, so that no reader's parser stumbles over it. Checked where events come in; what is
// stored is believed.
import { Failure, type CloudEvent } from '@godwit/core';

/** RFC 4648, section 4, beside a length in whole fours. */
const base64 = /^[A-Za-z0-9+/]*={0,2}$/;
/** In a time, behind its day. */
const hourAt = 11;
/** Every month has as many. */
const daysMin = 28;

/**
 * Checks an event's bytes and its time.
 *
 * @throws Failure `InvalidEvent`
 */
export function assertValues({ time, data_base64: bytes }: CloudEvent, which: string): void {
  if (bytes !== undefined && !(bytes.length % 4 === 0 && base64.test(bytes))) {
    throw new Failure(
      'InvalidEvent',
      `${which}: attribute "data_base64" is no base64 (RFC 4648, section 4, with its padding)`,
    );
  }
  if (time !== undefined && !isThere(time)) {
    throw new Failure(
      'InvalidEvent',
      `${which}: attribute "time": there is no such day, or no such hour; got ${JSON.stringify(time)}`,
    );
  }
}

/** `Date.parse` goes on into the next month, and into the next day: its hours end with 24, those of RFC 3339 with 23. */
function isThere(time: string): boolean {
  if (time.startsWith('24', hourAt)) return false;
  const day = time.slice(0, 10);
  return Number(day.slice(8)) <= daysMin || new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);
}
