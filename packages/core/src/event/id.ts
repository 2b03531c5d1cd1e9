// UUIDv7: ids that sort roughly by creation. They order creation only, never insertion; positions and offsets do that.

/**
 * Makes UUIDs of version 7 (RFC 9562, section 5.7). Ids of one generator increase, also within a millisecond and when
 * the clock jumps back: `rand_a` and the first 20 bits of `rand_b` are a counter (section 6.2, method 1).
 *
 * @param now wall-clock milliseconds
 * @param random numbers in [0, 1)
 */
export function createUuid7(now: () => number, random: () => number): () => string {
  let last = -1;
  let time = '';
  let counter = 0;
  const counterMax = 2 ** 32 - 1;
  const tick = (at: number): void => {
    last = at;
    const text = at.toString(16).padStart(12, '0');
    time = `${text.slice(0, 8)}-${text.slice(8)}-7`;
  };
  return () => {
    const at = Math.floor(now());
    if (at > last) {
      tick(at);
      // Half the counter's room is left for ids of the same millisecond.
      counter = Math.floor(random() * 2 ** 31);
    } else if (counter < counterMax) counter += 1;
    else {
      tick(last + 1);
      counter = 0;
    }
    const high = counter >>> 20;
    const low = counter & 0xfffff;
    const variant = 0x8000 | (low >>> 6);
    const tail = Math.floor(random() * 2 ** 40);
    // The lower 32 bits of the tail, as whole numbers have them.
    const rest = tail | 0;
    return (
      `${time}${digit(high >>> 8)}${pair(high)}-${pair(variant >>> 8)}${pair(variant)}-${pair(low & 0x3f)}` +
      `${pair(tail / 2 ** 32)}${pair(rest >>> 24)}${pair(rest >>> 16)}${pair(rest >>> 8)}${pair(rest)}`
    );
  };
}

/** A table: writing each number's digits anew costs more than all the rest of an id. */
const pairs: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** The lowest byte. */
function pair(value: number): string {
  return pairs[value & 0xff] ?? '';
}

/** The lowest four bits. */
function digit(value: number): string {
  return pair(value & 0xf).slice(1);
}
