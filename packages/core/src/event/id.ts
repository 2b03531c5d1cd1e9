// UUIDv7: ids that sort roughly by creation. They order creation only, never insertion; positions and offsets do that.

/**
 * Makes UUIDs of version 7 (RFC 9562, section 5.7). Ids of one generator increase, also within a millisecond and when
 * the clock jumps back: `rand_a` and the first 20 bits of `rand_b` are a counter (section 6.2, method 1), which begins
 * anywhere in each millisecond. The rest is as random, and drawn as often: ids tell events apart and are no secrets.
 *
 * @param now wall-clock milliseconds
 * @param random numbers in [0, 1)
 */
export function createUuid7(now: () => number, random: () => number): () => string {
  let last = -1;
  let time = '';
  let rest = '';
  let counter = 0;
  /** What the ids of 64 in a row begin with. */
  let run = -1;
  let beginning = '';
  const tick = (at: number, first: number): void => {
    last = at;
    counter = first;
    run = -1;
    const text = digits(at, 12);
    time = `${text.slice(0, 8)}-${text.slice(8)}-7`;
    rest = digits(Math.floor(random() * 2 ** 40), 10);
  };
  return () => {
    const at = Math.floor(now());
    // Half the counter's room is left for ids of the same millisecond.
    if (at > last) tick(at, Math.floor(random() * 2 ** 31));
    else if (counter < counterMax) counter += 1;
    else tick(last + 1, 0);
    if (counter >>> 6 !== run) {
      run = counter >>> 6;
      beginning = `${time}${digits(run >>> 14, 3)}-${digits(0x8000 | (run & 0x3fff), 4)}-`;
    }
    // So short, the two are copied at once; the three would be put together when the text is read.
    const ending = `${pairs[counter & 0x3f]}${rest}`;
    return `${beginning}${ending}`;
  };
}

/** 32 bits. */
const counterMax = 2 ** 32 - 1;

function digits(value: number, length: number): string {
  return value.toString(16).padStart(length, '0');
}

/** A table: writing each number's digits anew costs more than all the rest of an id. */
const pairs: readonly string[] = Array.from({ length: 64 }, (_, byte) => digits(byte, 2));
