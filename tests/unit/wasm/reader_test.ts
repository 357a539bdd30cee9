/** The byte reader: LEB128 at the edges of every width, and the forms that are malformed. */

import { assertEquals, assertThrows } from "@std/assert";
import { CodeBuffer } from "../../../lib/base/mod.ts";
import { CompileError, Reader, writeS64Leb, writeU64Leb } from "../../../lib/wasm/mod.ts";

const readerOf = (...bytes: number[]) => new Reader(Uint8Array.from(bytes));

/** Reads the LEB128 integer by the definition. */
function decodeLeb(bytes: readonly number[], signedness: "signed" | "unsigned"): bigint {
  const value = bytes.reduce((sum, byte, i) => sum | BigInt(byte & 0x7f) << BigInt(7 * i), 0n);
  return signedness === "signed" ? BigInt.asIntN(7 * bytes.length, value) : value;
}

const toBigInt = ({ lo, hi }: Reader) => BigInt.asIntN(64, BigInt(hi) << 32n | BigInt(lo >>> 0));

/** Powers of two and their neighbours, both signs. */
const EDGES = Array.from({ length: 64 }, (_, bit) => [-1n, 0n, 1n].map((delta) => (1n << BigInt(bit)) + delta))
  .flat().flatMap((value) => [value, -value]).map((value) => BigInt.asIntN(64, value));

Deno.test("readS64Leb() and readU64Leb() read what was written, at the edges of every width", () => {
  for (const value of EDGES) {
    const lo = Number(BigInt.asIntN(32, value));
    const hi = Number(BigInt.asIntN(32, value >> 32n));
    const signed = new CodeBuffer();
    writeS64Leb(signed, lo, hi);
    assertEquals(decodeLeb([...signed.toBytes()], "signed"), value);
    const reader = readerOf(...signed.toBytes());
    reader.readS64Leb();
    assertEquals([toBigInt(reader), reader.atEnd], [value, true]);

    const unsigned = new CodeBuffer();
    writeU64Leb(unsigned, lo, hi);
    assertEquals(decodeLeb([...unsigned.toBytes()], "unsigned"), BigInt.asUintN(64, value));
    const again = readerOf(...unsigned.toBytes());
    again.readU64Leb();
    assertEquals([toBigInt(again), again.atEnd], [value, true]);
  }
});

Deno.test("readS32Leb(), readS33Leb() and readU32Leb() read every encoding length", () => {
  for (const value of EDGES) {
    const fits = (bits: number) => BigInt.asIntN(bits, value) === value;
    const out = new CodeBuffer();
    writeS64Leb(out, Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
    // Padding is allowed as long as the type has bytes left.
    for (let bytes = [...out.toBytes()]; bytes.length <= 5; bytes = pad(bytes, value)) {
      if (fits(32)) assertEquals(BigInt(readerOf(...bytes).readS32Leb()), value);
      if (fits(33)) assertEquals(BigInt(readerOf(...bytes).readS33Leb()), value);
      if (value >= 0n && value < 1n << 32n) assertEquals(BigInt(readerOf(...bytes).readU32Leb()), value);
    }
  }
});

function pad(bytes: number[], value: bigint): number[] {
  return [...bytes.slice(0, -1), bytes[bytes.length - 1] | 0x80, value < 0n ? 0x7f : 0];
}

Deno.test("integer readers refuse unused bits, overlong forms and missing bytes", () => {
  const refused: [string, (reader: Reader) => void, number[], string][] = [
    ["u32 unused bits", (r) => r.readU32Leb(), [0x80, 0x80, 0x80, 0x80, 0x10], "integer too large"],
    ["u32 overlong", (r) => r.readU32Leb(), [0x80, 0x80, 0x80, 0x80, 0x80, 0], "integer representation too long"],
    ["s32 unused bits", (r) => r.readS32Leb(), [0x80, 0x80, 0x80, 0x80, 0x08], "integer too large"],
    ["s32 sign bits", (r) => r.readS32Leb(), [0xff, 0xff, 0xff, 0xff, 0x77], "integer too large"],
    ["s33 unused bits", (r) => r.readS33Leb(), [0x80, 0x80, 0x80, 0x80, 0x20], "integer too large"],
    ["s33 sign bits", (r) => r.readS33Leb(), [0xff, 0xff, 0xff, 0xff, 0x5f], "integer too large"],
    ["u64 unused bits", (r) => r.readU64Leb(), [...new Array(9).fill(0x80), 2], "integer too large"],
    ["s64 unused bits", (r) => r.readS64Leb(), [...new Array(9).fill(0x80), 1], "integer too large"],
    ["s64 sign bits", (r) => r.readS64Leb(), [...new Array(9).fill(0xff), 0x7e], "integer too large"],
    ["s64 overlong", (r) => r.readS64Leb(), [...new Array(10).fill(0x80), 0], "integer representation too long"],
    ["u32 cut", (r) => r.readU32Leb(), [0x80], "unexpected end"],
    ["fixed32 cut", (r) => r.readFixed32(), [1, 2, 3], "unexpected end"],
    ["bytes cut", (r) => r.readBytes(2), [1], "unexpected end"],
    ["name cut", (r) => r.readName(), [5, 0x61], "unexpected end"],
  ];
  for (const [what, read, bytes, reason] of refused) {
    assertThrows(() => read(readerOf(...bytes)), CompileError, reason, what);
  }
});

Deno.test("readName() takes UTF-8 and keeps byte order marks, and refuses what is not UTF-8", () => {
  for (const text of ["", "memory", "\u00e4\u20ac\u{1f600}", "\ufeffx", "a".repeat(1000)]) {
    const bytes = new TextEncoder().encode(text);
    assertEquals(new Reader(Uint8Array.of(...lengthOf(bytes), ...bytes)).readName(), text);
  }
  const malformed = [[0x80], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]];
  for (const bytes of malformed) {
    assertThrows(() => readerOf(bytes.length, ...bytes).readName(), CompileError, "malformed UTF-8 encoding");
  }
});

function lengthOf(bytes: Uint8Array): number[] {
  return bytes.length < 0x80 ? [bytes.length] : [bytes.length & 0x7f | 0x80, bytes.length >> 7];
}

Deno.test("readMemarg() splits alignment, memory and a 64-bit offset", () => {
  const reader = readerOf(0x42, 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01);
  reader.readMemarg();
  assertEquals([reader.alignLog2, reader.memoryIndex, reader.lo, reader.hi, reader.atEnd], [2, 3, -1, 15, true]);
  assertThrows(() => readerOf(0x80, 1, 0).readMemarg(), CompileError, "malformed memop flags");
});
