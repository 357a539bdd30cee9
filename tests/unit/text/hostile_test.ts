/** Texts made to break a parser: whatever comes in, the answer is bytes or a TextError, in a time that grows with the length only. */

import { assertEquals, assertThrows } from "@std/assert";
import { parseModule, parseScript, TextError } from "../../../lib/text/mod.ts";
import { Random } from "../../fuzz/generators/random.ts";
import { filesBelow } from "../../testdata.ts";

const DEPTH = 100_000;
const LENGTH = 10_000_000;

Deno.test("parseModule() takes instructions nested 100,000 deep", () => {
  const folded = parseModule(`(func ${"(block ".repeat(DEPTH)}${")".repeat(DEPTH)})`);
  const flat = parseModule(`(func ${"block ".repeat(DEPTH)}${"end ".repeat(DEPTH)})`);
  assertEquals(folded, flat);
  const operands = parseModule(`(func (result i32) ${"(i32.eqz ".repeat(DEPTH)}(i32.const 0)${")".repeat(DEPTH)})`);
  assertEquals(operands.subarray(-3), Uint8Array.of(0x45, 0x45, 0x0b));
  parseModule(`(func ${"(if (i32.const 0) (then ".repeat(DEPTH)}${"))".repeat(DEPTH)})`);
});

Deno.test("parseModule() takes comments and annotations nested 100,000 deep", () => {
  const empty = parseModule("");
  assertEquals(parseModule(`${"(;".repeat(DEPTH)}${";)".repeat(DEPTH)}`), empty);
  assertEquals(parseModule(`(@a ${"(".repeat(DEPTH)}${")".repeat(DEPTH)})`), empty);
});

for (
  const [what, text] of [
    ["parentheses that stay open", "(".repeat(DEPTH)],
    ["nested modules", "(module ".repeat(DEPTH) + ")".repeat(DEPTH)],
    ["nested types", `(type ${"(sub ".repeat(DEPTH)}${")".repeat(DEPTH)})`],
    ["nested references", `(global ${"(ref ".repeat(DEPTH)}${")".repeat(DEPTH)})`],
    ["nested recursion groups", "(rec ".repeat(DEPTH) + ")".repeat(DEPTH)],
    ["nested offsets", `(data ${"(offset ".repeat(DEPTH)}${")".repeat(DEPTH)})`],
    ["nested tries", `(func ${"(try ".repeat(DEPTH)}${")".repeat(DEPTH)})`],
    ["comments that stay open", "(;".repeat(DEPTH)],
    ["annotations that stay open", "(@a ".repeat(DEPTH)],
    ["a long keyword", `(func ${"x".repeat(LENGTH)})`],
    ["a long string that stays open", `"${"x".repeat(LENGTH)}`],
    ["a long integer", `(func i32.const ${"9".repeat(LENGTH)})`],
    ["a long hexadecimal integer", `(func i64.const 0x${"f".repeat(LENGTH)})`],
    ["a long exponent", `(func f32.const 1e${"9".repeat(LENGTH)})`],
    ["a long hexadecimal exponent", `(func f64.const 0x1p${"9".repeat(LENGTH)})`],
    ["a long payload", `(func f64.const nan:0x${"f".repeat(LENGTH)})`],
    ["closing parentheses", ")".repeat(DEPTH)],
    ["zeros", "\0".repeat(DEPTH)],
    ["a page count beyond 64 bits", "(memory 18446744073709551616)"],
    ["a type index beyond 32 bits", "(func (type 4294967296))"],
    ["a reference to a type out of reach", "(global (ref 4294967295) (ref.null 4294967295))"],
  ] as const
) {
  Deno.test(`parseModule() refuses ${what}`, () => {
    assertThrows(() => parseModule(text), TextError);
  });
}

Deno.test("parseModule() reads numbers of ten million digits", () => {
  const zeros = "0".repeat(LENGTH);
  const constant = (type: string, text: string) => parseModule(`(func (result ${type}) ${type}.const ${text})`);
  assertEquals(constant("i32", `${zeros}1`), constant("i32", "1"));
  assertEquals(constant("f64", `0x1${zeros}p-${4 * LENGTH}`), constant("f64", "1"));
  assertEquals(constant("f32", `0x0.${zeros}1p${4 * LENGTH + 4}`), constant("f32", "1"));
  assertEquals(constant("f32", `1.${zeros}1`), constant("f32", "1"));
  // A half and nearly nothing more: rounds up.
  assertEquals(constant("f32", `1.000000059604644775390625${"0".repeat(DEPTH)}1`), constant("f32", "0x1.000002p0"));
});

Deno.test("parseModule() takes a string and an identifier of ten million bytes", () => {
  const long = "x".repeat(LENGTH);
  assertEquals(parseModule(`(data "${long}")`).length > LENGTH, true);
  assertEquals(parseModule(`(func $${long} call $${long})`).length > LENGTH, true);
});

Deno.test("parseScript() refuses values nested deep", () => {
  const nested = "(either ".repeat(DEPTH) + ")".repeat(DEPTH);
  assertThrows(() => parseScript(`(assert_return (invoke "f") ${nested})`), TextError);
  assertThrows(() => parseScript("(assert_return ".repeat(DEPTH) + ")".repeat(DEPTH)), TextError);
});

const SAMPLES = filesBelow(new URL("../../", import.meta.url).pathname.replace(/\/$/, ""), ".wat")
  .map((path) => Deno.readTextFileSync(path))
  .filter((text) => text.length < 20_000);

/** Anything but bytes or a TextError fails, with the text. */
function survives(text: Uint8Array): void {
  try {
    parseModule(text);
  } catch (error) {
    if (error instanceof TextError) {
      error.excerpt();
      return;
    }
    throw new Error(`${error} for the text ${JSON.stringify(new TextDecoder().decode(text))}`, { cause: error });
  }
}

Deno.test("parseModule() gives bytes or a TextError for every truncation of texts", () => {
  for (const sample of SAMPLES.slice(0, 12)) {
    const bytes = new TextEncoder().encode(sample);
    const step = Math.max(1, bytes.length >> 8);
    for (let end = 0; end < bytes.length; end += step) survives(bytes.subarray(0, end));
  }
});

/** Pieces that mean something, to mutate texts with. */
const PIECES = [
  ...'( ) () (; ;) ;; " \\ $ $x (@name "a") (@custom "a") func type param result block loop if else end then try'.split(
    " ",
  ),
  ..."do catch catch_all delegate try_table import export memory table elem data global tag start ref null exact sub"
    .split(" "),
  ..."rec struct array field mut i32 i64 v128 funcref (ref i32.const 0 -1 0x 1e nan:0x1 offset=1 align=3 item declare"
    .split(" "),
  ..."(export (import (memory (table (elem (data (offset (param (result (local (type br_table select call_indirect"
    .split(" "),
  "\u{1f600}",
  "\0",
  "\n",
];

Deno.test("parseModule() gives bytes or a TextError for 20,000 mutated texts", () => {
  const random = new Random(0x7e97);
  const encoder = new TextEncoder();
  for (let round = 0; round < 20_000; round++) {
    let text = random.pick(SAMPLES);
    if (text.length > 2_000) {
      const start = random.below(text.length - 2_000);
      text = text.slice(start, start + 2_000);
    }
    for (let changes = 1 + random.below(4); changes > 0; changes--) {
      const at = random.below(text.length + 1);
      const piece = random.oneIn(3) ? "" : ` ${random.pick(PIECES)} `;
      text = text.slice(0, at) + piece + text.slice(at + random.below(12));
    }
    const bytes = encoder.encode(text);
    if (random.oneIn(8) && bytes.length > 0) bytes[random.below(bytes.length)] = random.next();
    survives(bytes);
  }
});
