// Gives an identity 8 bytes by which the log's table knows it: keyed, so that nobody can choose two that collide.

/** The two 32-bit halves of a 64-bit hash, unsigned. */
export type Hash = readonly [low: number, high: number];

/** Hashes an identity. A channel's hash never changes, since its values are stored with the segments. */
export type IdentityHash = (identity: string) => Hash;

/**
 * HalfSipHash-2-4 with 64 bits of output, over the text's UTF-16 units in little-endian order. It needs 32-bit words
 * only, which is what JavaScript computes fast; `crypto.subtle` would be asynchronous. With a secret key a publisher
 * cannot find identities that collide, each of which would cost a look into a segment.
 *
 * @param key two random 32-bit words
 * @see https://github.com/veorq/SipHash (Aumasson and Bernstein, "SipHash: a fast short-input PRF", and its README)
 */
export function halfSipHash([k0, k1]: Hash): IdentityHash {
  return (text) => {
    let v0 = k0;
    let v1 = k1 ^ 0xee;
    let v2 = 0x6c796765 ^ k0;
    let v3 = 0x74656462 ^ k1;
    const rounds = (count: number): void => {
      for (let round = 0; round < count; round += 1) {
        v0 = (v0 + v1) | 0;
        v1 = rotate(v1, 5) ^ v0;
        v0 = rotate(v0, 16);
        v2 = (v2 + v3) | 0;
        v3 = rotate(v3, 8) ^ v2;
        v0 = (v0 + v3) | 0;
        v3 = rotate(v3, 7) ^ v0;
        v2 = (v2 + v1) | 0;
        v1 = rotate(v1, 13) ^ v2;
        v2 = rotate(v2, 16);
      }
    };
    const absorb = (word: number): void => {
      v3 ^= word;
      rounds(2);
      v0 ^= word;
    };
    const even = text.length - (text.length % 2);
    for (let at = 0; at < even; at += 2) absorb(text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16));
    // The last word carries the length in bytes and the unit that is left over.
    absorb(((text.length * 2) << 24) | (even < text.length ? text.charCodeAt(even) : 0));
    v2 ^= 0xee;
    rounds(4);
    const low = (v1 ^ v3) >>> 0;
    v1 ^= 0xdd;
    rounds(4);
    return [low, (v1 ^ v3) >>> 0];
  };
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
