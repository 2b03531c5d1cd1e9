// Events as the load generator writes and finds them: a mark in each payload, which any framing passes on as it is.
import { payloadBytes } from '../burst.ts';

/** Microseconds since this process began. */
export function nowUs(): number {
  return Math.round(performance.now() * 1000);
}

/** `~<seven digits of its number>.<eleven digits of its time>~` */
const mark = 0x7e;
const numberDigits = 7;
const timeDigits = 11;
const markBytes = numberDigits + timeDigits + 3;

/** Writes `count` events from number `first` on, as one array where there are several. */
export function writeEvents(template: string, first: number, count: number, atUs: number): string {
  const events = Array.from({ length: count }, (_, index) => {
    const number = first + index;
    const head = `{"mark":"~${digits(number, numberDigits)}.${digits(atUs, timeDigits)}~","filled":"`;
    const payload = `${head}${'x'.repeat(payloadBytes - head.length - 2)}"}`;
    return template.replace('%d', String(number)).replace('%s', payload);
  });
  return count === 1 ? (events[0] ?? '') : `[${events.join(',')}]`;
}

/**
 * Finds the marks in a piece of a stream, and hands over when each was sent.
 *
 * @returns how many bytes of the end may be the beginning of one
 */
export function findMarks(bytes: Buffer, found: (sentUs: number) => void): number {
  for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at)) {
    if (at + markBytes > bytes.length) return bytes.length - at;
    found(Number(bytes.toString('latin1', at + numberDigits + 2, at + markBytes - 1)));
    at += markBytes;
  }
  return 0;
}

function digits(number: number, count: number): string {
  return String(Math.round(number)).padStart(count, '0');
}
