/** The stubs for short copies and fills, against the same operations of typed arrays. */

import { assertEquals } from "@std/assert";
import { Libcall, VMMemoryDefinition } from "../../../lib/abi/mod.ts";
import { cpuFeatures, mapRegion, storeAddress } from "../../../lib/host/mod.ts";
import { featureBit } from "../../../lib/x64/mod.ts";
import { BASELINE, DATA_OFFSET, type Machine, machine } from "./machine.ts";

const MEMORY_BYTES = 1 << 17;
const memory = mapRegion(MEMORY_BYTES);

function prepare(place: (index: number) => number, features: number = BASELINE): { m: Machine; slow: number[] } {
  const m = machine(
    `
sig0 (i64, i64, i64) -> ()
sig1 (i64, i32, i64) -> ()
sig2 (i32, i32, i64, i64, i64) -> ()
sig3 (i32, i64, i32, i64) -> ()
func 0 sig0 {
b0:
  d:i64 = param 0
  s:i64 = param 1
  n:i64 = param 2
  m:i32 = iconst 0
  libcall ${Libcall.memory_copy}(m, m, d, s, n), sig2
  return ()
}
func 1 sig1 {
b0:
  d:i64 = param 0
  b:i32 = param 1
  n:i64 = param 2
  m:i32 = iconst 0
  libcall ${Libcall.memory_fill}(m, d, b, n), sig3
  return ()
}
`,
    features,
    place,
  );
  const slow: number[] = [];
  m.onLibcall = (number) => slow.push(number);
  storeAddress(m.words, (DATA_OFFSET + VMMemoryDefinition.offsets.base) >> 2, memory.addressNumber);
  storeAddress(m.words, (DATA_OFFSET + VMMemoryDefinition.offsets.currentLengthBytes) >> 2, MEMORY_BYTES);
  storeAddress(m.words, (DATA_OFFSET + 64) >> 2, m.vmctx.addressNumber + DATA_OFFSET);
  return { m, slow };
}

const direct = () => DATA_OFFSET;
const indirect = () => -1 - (DATA_OFFSET + 64);
// Every number of trips of the loops of both vectors, up to three, with every rest.
const LENGTHS = [...Array(450).keys(), 767, 768, 769, 1000, 4095, 4096, 4097, 65536];
const DISTANCES = [0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 1000, 70000];
const AVX2 = BASELINE | featureBit("avx") | featureBit("avx2");

function scramble(bytes: Uint8Array): void {
  for (let i = 0, x = 1; i < bytes.length; i++) bytes[i] = x = x * 75 + 74 & 0xffff;
}

/** The first byte of `start` to `end` that is not as expected, or -1. */
function difference(expected: Uint8Array, start: number, end: number): number {
  const actual = memory.bytes;
  for (let i = start; i < end; i++) if (expected[i] !== actual[i]) return i;
  return -1;
}

for (const [vector, features] of [["16-byte", BASELINE], ["32-byte", AVX2]] as const) {
  const ignore = features === AVX2 && !cpuFeatures().has("avx2");

  Deno.test({
    name: `the copy stub moves like copyWithin, both ways, overlapping or not (${vector} vectors)`,
    ignore,
    fn() {
      const { m, slow } = prepare(direct, features);
      const expected = memory.bytes.slice();
      for (const length of LENGTHS) {
        for (const distance of DISTANCES) {
          const start = 1000 + (length * 7 + distance & 31), end = start + distance + length;
          if (end > MEMORY_BYTES) continue;
          for (const [to, from] of [[start, start + distance], [start + distance, start]]) {
            scramble(memory.bytes.subarray(start - 100, end + 100));
            expected.set(memory.bytes.subarray(start - 100, end + 100), start - 100);
            expected.copyWithin(to, from, from + length);
            m.call(0, BigInt(to), BigInt(from), BigInt(length));
            const differs = difference(expected, start - 100, Math.min(MEMORY_BYTES, end + 100));
            assertEquals(differs, -1, `copy of ${length} from ${from} to ${to}`);
          }
        }
      }
      assertEquals(difference(expected, 0, MEMORY_BYTES), -1);
      assertEquals(slow, []);
    },
  });

  Deno.test({
    name: `the fill stub fills like fill (${vector} vectors)`,
    ignore,
    fn() {
      const { m, slow } = prepare(indirect, features);
      const expected = memory.bytes.slice();
      for (const length of LENGTHS) {
        for (let start = 1000; start < 1032; start += 3) {
          const end = start + length;
          scramble(memory.bytes.subarray(start - 100, end + 100));
          expected.set(memory.bytes.subarray(start - 100, end + 100), start - 100);
          expected.fill(length, start, end);
          m.call(1, BigInt(start), 0x12300 | length & 0xff, BigInt(length));
          assertEquals(difference(expected, start - 100, end + 100), -1, `fill of ${length} at ${start}`);
        }
      }
      assertEquals(difference(expected, 0, MEMORY_BYTES), -1);
      assertEquals(slow, []);
    },
  });
}

Deno.test("what is long or out of bounds goes on to the libcall with its arguments", () => {
  const { m, slow } = prepare(direct);
  const size = BigInt(MEMORY_BYTES);
  scramble(memory.bytes);
  const before = memory.bytes.slice();
  m.call(0, 0n, size - 10n, 11n);
  assertEquals([0, 1, 2, 3, 4].map((k) => BigInt.asIntN(k < 2 ? 32 : 64, m.libArg(k))), [0n, 0n, 0n, size - 10n, 11n]);
  m.call(0, size - 10n, 0n, 11n);
  m.call(0, size + 1n, 0n, 0n);
  m.call(0, -5n, 0n, 10n);
  m.call(0, 0n, 0n, -1n);
  m.call(0, 0n, 1n, 65537n);
  m.call(1, size - 3n, 7, 4n);
  assertEquals(BigInt.asUintN(8, m.libArg(2)), 7n);
  m.call(1, size + 1n, 7, 0n);
  m.call(1, 0n, 7, 65537n);
  assertEquals(slow, [...Array(6).fill(Libcall.memory_copy), ...Array(3).fill(Libcall.memory_fill)]);
  // At the very end of memory, nothing is still in bounds.
  m.call(0, size, size, 0n);
  m.call(1, size, 7, 0n);
  assertEquals(slow.length, 9);
  assertEquals(memory.bytes.every((byte, i) => byte === before[i]), true);
});
