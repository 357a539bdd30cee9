/**
 * SHA-256 (FIPS 180-4) of byte strings, synchronously.
 *
 * `crypto.subtle` is asynchronous, and loading code must not be. `node:crypto` is part of Deno and hashes more than a GiB a second, but it
 * takes 20 ms to load; so what is hashed faster than that is hashed here, and `node:crypto` is fetched for the rest only. Both give the same.
 */

interface Hash {
  update(bytes: Uint8Array): Hash;
  digest(): Uint8Array;
}

interface NodeProcess {
  getBuiltinModule(name: "node:crypto"): { createHash(algorithm: "sha256"): Hash };
}

/** Length of a digest. */
export const SHA256_BYTES = 32;

/** From this many bytes on, loading `node:crypto` takes less time than hashing here. */
const LARGE_BYTES = 2 << 20;

const BLOCK_BYTES = 64;

/** The 32-byte digest of the given byte strings, one after the other. */
export function sha256(parts: Iterable<Uint8Array>): Uint8Array<ArrayBuffer> {
  const all = [...parts];
  const byteLength = all.reduce((sum, { length }) => sum + length, 0);
  return byteLength < LARGE_BYTES ? sha256Here(all) : sha256Native(all);
}

/** The digest by `node:crypto`. */
export function sha256Native(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const { process } = globalThis as unknown as { process: NodeProcess };
  const hash = process.getBuiltinModule("node:crypto").createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

/** The digest by the code below. */
export function sha256Here(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const state = Int32Array.from(INITIAL);
  // What is left of the parts before, shorter than a block.
  const rest = new Uint8Array(2 * BLOCK_BYTES);
  let restBytes = 0;
  let totalBytes = 0;
  for (const part of parts) {
    totalBytes += part.length;
    let at = 0;
    if (restBytes > 0) {
      at = Math.min(BLOCK_BYTES - restBytes, part.length);
      rest.set(part.subarray(0, at), restBytes);
      restBytes += at;
      if (restBytes < BLOCK_BYTES) continue;
      compress(state, rest, 0, BLOCK_BYTES);
      restBytes = 0;
    }
    const end = part.length - (part.length - at) % BLOCK_BYTES;
    compress(state, part, at, end);
    rest.set(part.subarray(end));
    restBytes = part.length - end;
  }
  // Padding (5.1.1): a one bit, zeros, and the length in bits as a big-endian 64-bit integer.
  const paddedBytes = restBytes < BLOCK_BYTES - 8 ? BLOCK_BYTES : 2 * BLOCK_BYTES;
  rest.fill(0, restBytes);
  rest[restBytes] = 0x80;
  const view = new DataView(rest.buffer);
  view.setUint32(paddedBytes - 8, Math.floor(totalBytes / 0x2000_0000));
  view.setUint32(paddedBytes - 4, totalBytes << 3);
  compress(state, rest, 0, paddedBytes);
  const digest = new DataView(new ArrayBuffer(SHA256_BYTES));
  state.forEach((word, i) => digest.setInt32(4 * i, word));
  return new Uint8Array(digest.buffer);
}

/** Initial hash value (5.3.3): the fractions of the square roots of the first eight primes. */
// deno-fmt-ignore
const INITIAL = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

/** Round constants (4.2.2): the fractions of the cube roots of the first 64 primes. */
// deno-fmt-ignore
const ROUND = Int32Array.of(
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
);

const schedule = new Int32Array(64);

/** Hashes the whole blocks in `bytes[start..end)` (6.2.2). */
function compress(state: Int32Array, bytes: Uint8Array, start: number, end: number): void {
  const w = schedule;
  for (let at = start; at < end; at += BLOCK_BYTES) {
    for (let t = 0, i = at; t < 16; t++, i += 4) {
      w[t] = bytes[i] << 24 | bytes[i + 1] << 16 | bytes[i + 2] << 8 | bytes[i + 3];
    }
    for (let t = 16; t < 64; t++) {
      const x = w[t - 15];
      const y = w[t - 2];
      w[t] = w[t - 16] + w[t - 7] +
          ((x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3) +
          ((y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10) | 0;
    }
    let a = state[0], b = state[1], c = state[2], d = state[3];
    let e = state[4], f = state[5], g = state[6], h = state[7];
    for (let t = 0; t < 64; t++) {
      const t1 = h + ((e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7)) + (e & f ^ ~e & g) +
          ROUND[t] + w[t] | 0;
      const t2 = ((a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10)) + (a & b ^ a & c ^ b & c) | 0;
      h = g, g = f, f = e, e = d + t1 | 0;
      d = c, c = b, b = a, a = t1 + t2 | 0;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
  }
}
