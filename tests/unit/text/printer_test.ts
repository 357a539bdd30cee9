import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { parseModule, printModule } from "../../../lib/text/mod.ts";
import { ALL_FEATURES, CompileError, decodeModule, validateModule } from "../../../lib/wasm/mod.ts";
import { sharedRoot } from "../../testdata.ts";
import { canonicalBytes, firstDifference } from "./canonical.ts";

function assertRoundTrips(bytes: Uint8Array, what: string): void {
  const parsed = parseModule(printModule(bytes));
  const wanted = canonicalBytes(bytes);
  const got = canonicalBytes(parsed);
  assert(
    got.length === wanted.length && got.every((byte, at) => byte === wanted[at]),
    `${what}: ${firstDifference(wanted, got)}`,
  );
}

function* wasmFiles(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* wasmFiles(path);
    else if (entry.name.endsWith(".wasm")) yield path;
  }
}

const MODULE_HEADER = 0x0000_0001;
function isModule(bytes: Uint8Array): boolean {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true) === MODULE_HEADER;
}

const shared = sharedRoot();
// Modules whose only fault is what the validator says are text, too; those that are malformed cannot be.
Deno.test({
  name: "printModule() gives text that parses to the same module, for every valid module of the specification suite",
  ignore: shared === undefined,
  fn() {
    let count = 0;
    for (const path of wasmFiles(`${shared}/spec`)) {
      const bytes = Deno.readFileSync(path);
      try {
        validateModule(decodeModule(bytes, ALL_FEATURES));
      } catch (error) {
        if (error instanceof CompileError) continue;
        throw error;
      }
      assertRoundTrips(bytes, path);
      count++;
    }
    assert(count >= 2479, `${count} modules`);
  },
});

Deno.test({
  name: "printModule() gives text that parses to the same module, for every real program",
  ignore: shared === undefined,
  fn() {
    let count = 0;
    for (const folder of ["programs", "wasi"]) {
      for (const path of wasmFiles(`${shared}/${folder}`)) {
        const bytes = Deno.readFileSync(path);
        if (!isModule(bytes)) continue; // A component.
        assertRoundTrips(bytes, path);
        count++;
      }
    }
    assert(count > 50, `${count} programs`);
  },
});

function assertPrints(text: string, ...lines: string[]): void {
  const bytes = parseModule(text);
  const printed = printModule(bytes);
  for (const line of lines) assertStringIncludes(printed, line);
  assertEquals(parseModule(printed), bytes);
}

Deno.test("printModule() writes names as identifiers, also those with characters that identifiers lack", () => {
  assertPrints(
    `(module $m (func $f (param $x i32) (local $"a b" i64) (block $l (br $l))) (memory $mem 1) (global $g i32 (i32.const 0)))`,
    "(module $m\n",
    "(func $f (type 0) (param $x i32)",
    `(local $"a b" i64)`,
    "block $l\n      br $l\n",
    "(memory $mem 1)",
    "(global $g i32 (i32.const 0))",
  );
});

Deno.test("printModule() keeps names that occur twice, by an annotation", () => {
  assertPrints(
    `(module (func $a) (func $b (@name "a") (call $b)))`,
    "(func $a (type 0)",
    `(func $a#2 (@name "a") (type 0)`,
    "call $a#2",
  );
});

Deno.test("printModule() gives blocks of the same name different identifiers, so that each branch names its target", () => {
  assertPrints(
    `(module (func (block $l (block $l (br $l) (br 1)))))`,
    `block $l#2 (@name "l")`,
    "br $l#2\n",
    "br $l\n",
  );
});

Deno.test("printModule() keeps the bits of floats", () => {
  assertPrints(
    `(module (func f32.const nan:0x200001 drop f32.const -0 drop f64.const 0x1.fffffffffffffp+1023 drop f64.const -inf drop))`,
    "f32.const nan:0x200001",
    "f32.const -0",
    "f64.const 1.7976931348623157e+308",
    "f64.const -inf",
  );
});

Deno.test("printModule() keeps 64-bit limits and offsets that are no doubles", () => {
  assertPrints(
    `(module (table i64 1 0xffffffffffffffff funcref) (memory i64 1) (func (drop (i32.load offset=0xfffffffffffffffe (i64.const 0)))))`,
    "(table i64 1 18446744073709551615 funcref)",
    "i32.load offset=18446744073709551614",
  );
});

Deno.test("printModule() keeps custom sections beside the sections that they followed", () => {
  assertPrints(
    `(module (@custom "a" (before first) "x\\00y") (func) (@custom "b" (after func) "z"))`,
    `(@custom "a" (before first) "x\\00y")`,
    `(@custom "b" (after func) "z")`,
  );
});

Deno.test("printModule() writes branch hints in front of their branches", () => {
  assertPrints(
    `(module (func (param i32) local.get 0 (@metadata.code.branch_hint "\\01") if nop end))`,
    `(@metadata.code.branch_hint "\\01")\n    if`,
  );
});

Deno.test("printModule() refuses bytes that are no module, and bodies that do not end", () => {
  assertThrows(() => printModule(Uint8Array.of(1, 2, 3)), CompileError);
  const bytes = parseModule(`(module (func nop))`);
  bytes[bytes.length - 1] = 0x01;
  assertThrows(() => printModule(bytes), CompileError, "must end with end");
});
