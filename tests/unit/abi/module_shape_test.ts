import { assertEquals } from "@std/assert";
import { ownedMemoryOf, shapeOf } from "../../../lib/abi/mod.ts";
import { NONE } from "../../../lib/base/mod.ts";
import { decodeModule } from "../../../lib/wasm/mod.ts";
import { wat } from "../../wat.ts";

const MODULE = `(module
  (import "m" "imported" (func $imported))
  (import "m" "table" (table 1 funcref))
  (import "m" "global" (global i32))
  (memory 1)
  (table 2 funcref)
  (global funcref (ref.func $in_global))
  (global (mut i64) (i64.const 0))
  (func $plain)
  (func $exported (export "e"))
  (func $in_segment)
  (func $in_global)
  (func $declared (drop (ref.func $declared)))
  (elem (i32.const 0) func $in_segment $imported)
  (elem declare func $declared))`;

Deno.test("shapeOf() counts what a module imports and defines", () => {
  const { shape } = shapeOf(decodeModule(wat(MODULE)));
  assertEquals(shape.counts, {
    importedMemories: 0,
    importedFunctions: 1,
    importedTables: 1,
    importedGlobals: 1,
    importedTags: 0,
    definedMemories: 1,
    ownedMemories: 1,
    definedTables: 1,
    definedGlobals: 2,
    definedTags: 0,
    escapedFunctions: 4,
  });
});

Deno.test("shapeOf() gives a VMFuncRef to defined functions whose reference can be taken, and to no other", () => {
  const { escaped } = shapeOf(decodeModule(wat(MODULE)));
  // imported, plain, exported, in_segment, in_global, declared
  assertEquals([...escaped], [NONE, NONE, 0, 1, 2, 3]);
});

Deno.test("ownedMemoryOf() numbers defined memories and leaves imported ones out", () => {
  const defined = decodeModule(wat(`(module (memory 1))`));
  assertEquals(ownedMemoryOf(defined, 0), 0);
  const imported = decodeModule(wat(`(module (import "m" "m" (memory 1)))`));
  assertEquals(ownedMemoryOf(imported, 0), NONE);
});
