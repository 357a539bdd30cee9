/** VM layouts: the golden file, natural alignment, and the VMShape's bounds (SEEDS 004). */

import { assertEquals, assertThrows } from "@std/assert";
import { printLayout, struct, VM_STRUCTS, VMContextHead, VMFuncRef, VMShape } from "../../../lib/abi/mod.ts";
import { NO_COUNTS } from "./no_counts.ts";

const GOLDEN = new URL("./layout.golden.txt", import.meta.url);

Deno.test("VM structs are laid out as the golden file says", () => {
  const text = VM_STRUCTS.map(printLayout).join("\n") + "\n";
  if (Deno.env.get("THEROPOD_BLESS") === "1") Deno.writeTextFileSync(GOLDEN, text);
  assertEquals(
    text,
    Deno.readTextFileSync(GOLDEN),
    "THEROPOD_BLESS=1 accepts the layout; artifacts made before are refused then",
  );
});

Deno.test("struct() aligns each field naturally and rounds the size up", () => {
  const layout = struct("Sample", { a: "u8", b: "u32", c: "u16", d: "ptr", e: "v128", f: "u8" });
  assertEquals(layout.offsets, { a: 0, b: 4, c: 8, d: 16, e: 32, f: 48 });
  assertEquals([layout.sizeBytes, layout.alignBytes], [64, 16]);
});

Deno.test("the VMContext head has the offsets of SEEDS 4.1", () => {
  const { magic, storeContext, builtinFunctions, callee, epochPtr, gcHeapBase, gcHeapBound, gcHeapData, typeIds } =
    VMContextHead.offsets;
  assertEquals(
    [magic, storeContext, builtinFunctions, callee, epochPtr, gcHeapBase, gcHeapBound, gcHeapData, typeIds],
    [0, 8, 16, 24, 32, 40, 48, 56, 64],
  );
  assertEquals(VMContextHead.sizeBytes, 72);
});

Deno.test("VMShape places arrays in order, globals aligned to 16 bytes", () => {
  const shape = new VMShape({
    importedMemories: 1,
    importedFunctions: 2,
    importedTables: 1,
    importedGlobals: 1,
    importedTags: 1,
    definedMemories: 2,
    ownedMemories: 1,
    definedTables: 1,
    definedGlobals: 3,
    definedTags: 1,
    escapedFunctions: 2,
  });
  const order = [
    shape.memoryImport(0),
    shape.memoryPointer(0),
    shape.memoryPointer(1),
    shape.ownedMemory(0),
    shape.functionImport(0),
    shape.functionImport(1),
    shape.tableImport(0),
    shape.globalImport(0),
    shape.tagImport(0),
    shape.table(0),
    shape.global(0),
    shape.global(2),
    shape.tag(0),
    shape.funcRef(0),
    shape.funcRef(1),
  ];
  assertEquals(order, order.toSorted((a, b) => a - b));
  assertEquals(new Set(order).size, order.length);
  assertEquals(order[0], VMContextHead.sizeBytes);
  assertEquals(shape.global(0) % 16, 0);
  assertEquals(shape.global(2) - shape.global(0), 32);
  assertEquals(shape.sizeBytes % 16, 0);
  assertEquals(shape.sizeBytes >= shape.funcRef(1) + VMFuncRef.sizeBytes, true);
});

Deno.test("VMShape refuses indices outside of the counts, not of the offsets (SEEDS 4.12)", () => {
  const shape = new VMShape({
    ...NO_COUNTS,
    importedGlobals: 1,
    definedGlobals: 2,
    ownedMemories: 1,
    definedMemories: 1,
  });
  assertEquals(shape.globalImport(0) > 0, true);
  const outside: [() => number, string][] = [
    [() => shape.globalImport(1), "importedGlobals"],
    [() => shape.global(2), "globals"],
    [() => shape.ownedMemory(1), "ownedMemories"],
    [() => shape.memoryPointer(1), "memoryPointers"],
    [() => shape.funcRef(0), "funcRefs"],
    [() => shape.tag(0), "tags"],
    [() => shape.table(-1), "tables"],
    [() => shape.functionImport(0), "importedFunctions"],
    [() => shape.tableImport(0), "importedTables"],
    [() => shape.memoryImport(0), "importedMemories"],
    [() => shape.tagImport(0), "importedTags"],
  ];
  for (const [access, array] of outside) assertThrows(access, Error, array);
});

Deno.test("VMShape refuses sizes beyond 32-bit displacements", () => {
  assertThrows(() => new VMShape({ ...NO_COUNTS, escapedFunctions: 2 ** 27 }), Error, "too large");
});
