/**
 * SHA-256 (FIPS 180-4) of byte strings, synchronously.
 *
 * `crypto.subtle` is asynchronous, and loading code must not be. The runtime's own `node:crypto` hashes three times as fast as the loop below, but
 * takes 20 ms to load, in which the loop is through 2 MiB, cold start included: so the loop takes what is smaller.
 */

interface Hash {
  update(bytes: Uint8Array): Hash;
  digest(): Uint8Array;
}

interface NodeProcess {
  getBuiltinModule(name: "node:crypto"): { createHash(algorithm: "sha256"): Hash };
}

/** Where loading `node:crypto` begins to pay. */
const MOST_BYTES_HERE = 2 << 20;

/** The 32-byte digest of the given byte strings, one after the other. */
export function sha256(parts: Iterable<Uint8Array>): Uint8Array {
  const list = [...parts];
  const byteLength = list.reduce((sum, part) => sum + part.length, 0);
  return byteLength <= MOST_BYTES_HERE ? hashHere(list, byteLength) : hashThere(list);
}

function hashThere(parts: readonly Uint8Array[]): Uint8Array {
  const { process } = globalThis as unknown as { process: NodeProcess };
  const hash = process.getBuiltinModule("node:crypto").createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

const BLOCK_BYTES = 64;
const ROUNDS = 64;

/** The first 32 bits of the fractional parts of the roots of the first primes: square roots start the state, cube roots key the rounds. */
function primeRoots(count: number, exponent: number): Int32Array {
  const roots = new Int32Array(count);
  for (let candidate = 2, found = 0; found < count; candidate++) {
    let isPrime = true;
    for (let d = 2; d * d <= candidate && isPrime; d++) isPrime = candidate % d !== 0;
    if (isPrime) roots[found++] = Math.floor((candidate ** exponent % 1) * 0x1_0000_0000);
  }
  return roots;
}

let roundKeys: Int32Array | undefined;

function hashHere(parts: readonly Uint8Array[], byteLength: number): Uint8Array {
  roundKeys ??= primeRoots(ROUNDS, 1 / 3);
  const state = primeRoots(8, 1 / 2);
  // Padding: a one bit, zeros, and the length in bits as a 64-bit number at the end of a block.
  const padded = new Uint8Array(Math.ceil((byteLength + 9) / BLOCK_BYTES) * BLOCK_BYTES);
  let at = 0;
  for (const part of parts) {
    padded.set(part, at);
    at += part.length;
  }
  padded[at] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(byteLength / 0x2000_0000));
  view.setUint32(padded.length - 4, byteLength << 3);
  const schedule = new Int32Array(ROUNDS);
  for (let block = 0; block < padded.length; block += BLOCK_BYTES) compress(state, view, block, schedule, roundKeys);
  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((word, i) => digest.setInt32(4 * i, word));
  return new Uint8Array(digest.buffer);
}

/** FIPS 180-4, 6.2.2. */
function compress(state: Int32Array, view: DataView, block: number, w: Int32Array, keys: Int32Array): void {
  for (let t = 0; t < 16; t++) w[t] = view.getInt32(block + 4 * t);
  for (let t = 16; t < ROUNDS; t++) {
    const x = w[t - 15], y = w[t - 2];
    const s0 = (x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3;
    const s1 = (y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10;
    w[t] = s1 + w[t - 7] + s0 + w[t - 16];
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let t = 0; t < ROUNDS; t++) {
    const s1 = (e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7);
    const one = h + s1 + (e & f ^ ~e & g) + keys[t] + w[t] | 0;
    const s0 = (a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10);
    const two = s0 + (a & b ^ a & c ^ b & c) | 0;
    h = g;
    g = f;
    f = e;
    e = d + one | 0;
    d = c;
    c = b;
    b = a;
    a = one + two | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}
