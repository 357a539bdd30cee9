/**
 * A process that uses a cache on disk, for cache_processes_test.ts: `cache_process.ts ROLE FOLDER SEED`.
 *
 * What belongs to a key is known to everybody, so whoever reads can tell a right entry from a wrong one to the last byte.
 */

import { DiskCache, scratch, SYS, sys } from "../../lib/host/mod.ts";
import { sha256 } from "../../lib/base/mod.ts";
import { Random } from "../fuzz/generators/random.ts";

/** Keys that all processes write. */
export const KEYS = 24;
const LONGEST_BYTES = 300_000;
const RLIMIT_FSIZE = 1;

/** Key number `index`. */
export function keyOf(index: number): Uint8Array {
  return sha256([Uint8Array.of(index)]);
}

/** What is kept for a key. */
export function payloadOf(index: number): Uint8Array<ArrayBuffer> {
  const random = new Random(index + 1);
  const words = new Uint32Array(1 + random.below(LONGEST_BYTES / 4));
  for (let i = 0; i < words.length; i++) words[i] = random.next();
  return new Uint8Array(words.buffer);
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

const ROLES: Record<string, (cache: DiskCache, random: Random) => void> = {
  /** Writes for ever. */
  writer(cache, random) {
    const payloads = Array.from({ length: KEYS }, (_, i) => payloadOf(i));
    console.log("ready");
    for (;;) {
      const index = random.below(KEYS);
      cache.write(keyOf(index), payloads[index]);
    }
  },

  /** Reads for two seconds what others write and evict, and tells what it met. */
  reader(cache, random) {
    const payloads = Array.from({ length: KEYS }, (_, i) => payloadOf(i));
    const met = { found: 0, missing: 0, wrong: 0 };
    for (const end = performance.now() + 2000; performance.now() < end;) {
      const index = random.below(KEYS);
      const payload = cache.read(keyOf(index));
      if (payload === undefined) met.missing++;
      else if (isEqual(payload, payloads[index])) met.found++;
      else met.wrong++;
    }
    console.log(JSON.stringify({ ...met, problem: cache.problem }));
  },

  /** Writes each key once and reads all, and tells how that went. */
  filler(cache) {
    for (let index = 0; index < KEYS; index++) cache.write(keyOf(index), payloadOf(index));
    const met = { found: 0, missing: 0, wrong: 0 };
    for (let index = 0; index < KEYS; index++) {
      const payload = cache.read(keyOf(index));
      if (payload === undefined) met.missing++;
      else if (isEqual(payload, payloadOf(index))) met.found++;
      else met.wrong++;
    }
    console.log(JSON.stringify({ ...met, problem: cache.problem }));
  },

  /** As the filler, where files may not be longer than 64 KiB: the system ends who writes further. */
  limited(cache, random) {
    const { addressNumber, buffer } = scratch();
    new BigUint64Array(buffer, 0, 2).set([65536n, 65536n]);
    if (sys(SYS.prlimit64, 0, RLIMIT_FSIZE, addressNumber, 0) < 0) throw new Error("no limit");
    ROLES.filler(cache, random);
  },
};

if (import.meta.main) {
  const [role, directory, seed, maximumBytes] = Deno.args;
  const cache = new DiskCache({ directory, ...(maximumBytes && { maximumBytes: Number(maximumBytes) }) });
  ROLES[role](cache, new Random(Number(seed)));
}
