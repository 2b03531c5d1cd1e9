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
  let counter = 0;
  const counterMax = 2 ** 32 - 1;
  return () => {
    const at = Math.floor(now());
    if (at > last) {
      last = at;
      // Half the counter's room is left for ids of the same millisecond.
      counter = Math.floor(random() * 2 ** 31);
    } else if (counter < counterMax) counter += 1;
    else {
      last += 1;
      counter = 0;
    }
    const time = hex(last, 12);
    const high = hex(Math.floor(counter / 2 ** 20), 3);
    const low = counter % 2 ** 20;
    const variant = hex(0x8000 | Math.floor(low / 2 ** 6), 4);
    const tail = hex(low % 2 ** 6, 2) + hex(Math.floor(random() * 2 ** 40), 10);
    return `${time.slice(0, 8)}-${time.slice(8)}-7${high}-${variant}-${tail}`;
  };
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
