/** The stubs for short copies and fills, against the same operations of typed arrays. */

import { assertEquals } from "@std/assert";
import { Libcall, VMMemoryDefinition } from "../../../lib/abi/mod.ts";
import { mapRegion, storeAddress } from "../../../lib/host/mod.ts";
import { DATA_OFFSET, type Machine, machine } from "./machine.ts";

const MEMORY_BYTES = 1 << 17;
const memory = mapRegion(MEMORY_BYTES);

function prepare(place: (index: number) => number): { m: Machine; slow: number[] } {
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
    undefined,
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
const LENGTHS = [...Array(70).keys(), 96, 127, 128, 129, 200, 255, 767, 768, 769, 1000, 4096, 65536];
const DISTANCES = [0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 1000, 70000];

function scramble(bytes: Uint8Array): void {
  for (let i = 0, x = 1; i < bytes.length; i++) bytes[i] = x = x * 75 + 74 & 0xffff;
}

Deno.test("the copy stub moves like copyWithin, both ways, overlapping or not", () => {
  const { m, slow } = prepare(direct);
  const expected = new Uint8Array(MEMORY_BYTES);
  for (const length of LENGTHS) {
    for (const distance of DISTANCES) {
      if (1000 + distance + length > MEMORY_BYTES) continue;
      for (const [to, from] of [[1000, 1000 + distance], [1000 + distance, 1000]]) {
        scramble(memory.bytes);
        expected.set(memory.bytes);
        expected.copyWithin(to, from, from + length);
        m.call(0, BigInt(to), BigInt(from), BigInt(length));
        let differs = -1;
        for (let i = 0; i < MEMORY_BYTES && differs < 0; i++) if (expected[i] !== memory.bytes[i]) differs = i;
        assertEquals(differs, -1, `copy of ${length} from ${from} to ${to}`);
      }
    }
  }
  assertEquals(slow, []);
});

Deno.test("the fill stub fills like fill", () => {
  const { m, slow } = prepare(indirect);
  const expected = new Uint8Array(MEMORY_BYTES);
  for (const length of LENGTHS) {
    scramble(memory.bytes);
    expected.set(memory.bytes);
    expected.fill(0xab, 1003, 1003 + length);
    m.call(1, 1003n, 0x12ab, BigInt(length));
    let differs = -1;
    for (let i = 0; i < MEMORY_BYTES && differs < 0; i++) if (expected[i] !== memory.bytes[i]) differs = i;
    assertEquals(differs, -1, `fill of ${length}`);
  }
  assertEquals(slow, []);
});

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
