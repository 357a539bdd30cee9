/** Document 004: the shape of a VMContext, row by row. */

import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { Epoch, type Instance, Trap } from "../../mod.ts";
import {
  LIBCALLS,
  ownedMemoryOf,
  type ShapeArray,
  type ShapeCounts,
  shapeOf,
  struct,
  VMCONTEXT_MAGIC,
  VMContextHead,
  VMFuncRef,
  VMHostFunc,
  VMMemoryDefinition,
  VMRecord,
  VMShape,
  VMStoreContext,
  VMTableDefinition,
} from "../../lib/abi/mod.ts";
import { CodeBuffer, NONE } from "../../lib/base/mod.ts";
import * as F from "../../lib/codegen/isel/forms.ts";
import { instanceOf } from "../../lib/engine/instance.ts";
import { NativeRegion } from "../../lib/host/mod.ts";
import { funcStateOf, loadCode } from "../../lib/runtime/mod.ts";
import { Assembler, NO_REG, packMem } from "../../lib/x64/mod.ts";
import { ALL_FEATURES, decodeModule } from "../../lib/wasm/mod.ts";
import { Sandbox } from "../embed/sandbox.ts";
import { NO_COUNTS } from "../unit/abi/no_counts.ts";
import { wat } from "../wat.ts";

const HEAD = VMContextHead.offsets;
const RAX = 0, RSP = 4, RBP = 5, R10 = 10, R14 = 14;

/** An instance's VMContext as 64-bit words. */
function contextOf(sandbox: Sandbox, text: string) {
  return stateOf(sandbox.instance(text));
}

function stateOf(instance: Instance) {
  const state = instanceOf(instance);
  const { layout: { shape } } = state.state;
  const region = new NativeRegion(state.address, shape.sizeBytes);
  const at = (offset: number) => region.u32[offset >> 2] + region.u32[offset + 4 >> 2] * 2 ** 32;
  return { state, shape, at, u32: (offset: number) => region.u32[offset >> 2] };
}

/** Counts that are all different, so that one in another's place shows. */
const DISTINCT = Object.fromEntries(Object.keys(NO_COUNTS).map((name, i) => [name, i + 2])) as unknown as ShapeCounts;
const COUNTS: ShapeCounts = { ...DISTINCT, definedMemories: 9, ownedMemories: 5 };

/** Accessor, array and count of each array. */
const ACCESSORS: Record<ShapeArray, [(shape: VMShape, index: number) => number, keyof ShapeCounts]> = {
  importedMemories: [(shape, i) => shape.memoryImport(i), "importedMemories"],
  memoryPointers: [(shape, i) => shape.memoryPointer(i), "definedMemories"],
  ownedMemories: [(shape, i) => shape.ownedMemory(i), "ownedMemories"],
  importedFunctions: [(shape, i) => shape.functionImport(i), "importedFunctions"],
  importedTables: [(shape, i) => shape.tableImport(i), "importedTables"],
  importedGlobals: [(shape, i) => shape.globalImport(i), "importedGlobals"],
  importedTags: [(shape, i) => shape.tagImport(i), "importedTags"],
  tables: [(shape, i) => shape.table(i), "definedTables"],
  globals: [(shape, i) => shape.global(i), "definedGlobals"],
  tags: [(shape, i) => shape.tag(i), "definedTags"],
  funcRefs: [(shape, i) => shape.funcRef(i), "escapedFunctions"],
};
const ARRAYS = Object.entries(ACCESSORS) as [ShapeArray, typeof ACCESSORS[ShapeArray]][];

const OBJECTS = `(module (type $s (struct (field i32))) (global (ref $s) (struct.new $s (i32.const 1)))
  (type $f (func)) (func (type $f)))`;

Deno.test("004/4.1a a VMContext begins with its magic word", () => {
  using sandbox = new Sandbox();
  assertEquals([HEAD.magic, contextOf(sandbox, "(module)").u32(0)], [0, VMCONTEXT_MAGIC]);
});

Deno.test("004/4.1b the store's context is at 8, with its limits and the last exit", () => {
  using sandbox = new Sandbox({ interruption: true, fuel: true });
  const instance = sandbox.instance(
    `(module (func (export "trap") unreachable) (func (export "go") (param i32) (result i32)
    (local.get 0)))`,
  );
  const { at, state } = stateOf(instance);
  const { storeContext, activations } = state.store;
  assertEquals([HEAD.storeContext, at(8)], [8, storeContext.address]);
  const { fuel, epochDeadline, lastExitPc, lastExitFp } = VMStoreContext.offsets;
  assertEquals([fuel, epochDeadline, lastExitPc, lastExitFp], [0, 8, 40, 48]);
  assertEquals([storeContext.getAddress(lastExitPc), storeContext.getAddress(lastExitFp)], [0, 0]);
  sandbox.store.fuel = 100;
  sandbox.store.setEpochDeadline(2 ** 40 + 3);
  assertEquals(storeContext.getAddress(epochDeadline), 2 ** 40 + 3);
  assertThrows(() => instance.exports.trap(), Trap);
  const pc = storeContext.getAddress(lastExitPc);
  const start = state.code.functionAddress(0);
  assert(pc > start && pc <= state.code.functionAddress(1), "the trap's place");
  const { limit, top } = activations[0].base.stack;
  assert(storeContext.getAddress(lastExitFp) > limit && storeContext.getAddress(lastExitFp) < top);
  // The limits of a call in flight: where the record's fields are, of this store.
  const { words } = activations[0];
  const record = (offset: number) => words[offset >> 2] + (words[offset + 4 >> 2] >>> 0) * 2 ** 32;
  assertEquals(words[VMRecord.offsets.stackLimit >> 2] >>> 0, limit % 2 ** 32);
  assertEquals(record(VMRecord.offsets.storeContext) % 2 ** 32, storeContext.address % 2 ** 32);
});

Deno.test("004/4.1c builtins are reached through the table that the pointer at 16 is to", () => {
  using sandbox = new Sandbox();
  const instance = sandbox.instance(`(module (func (export "call") (param i32) (result i64) unreachable)
    (func $target (export "target") (result i32) (i32.const 5)))`);
  const { state, at } = stateOf(instance);
  const { code } = state;
  assertEquals([HEAD.builtinFunctions, at(16)], [16, code.builtinsAddress]);
  // No hole: every runtime call has an address, of this module's code.
  const words = new NativeRegion(at(16), 8 * LIBCALLS.length).u32;
  for (let number = 0; number < LIBCALLS.length; number++) {
    const address = words[2 * number] + words[2 * number + 1] * 2 ** 32;
    assert(address > code.address && address < code.address + code.compiled.code.length, LIBCALLS[number][0]);
  }
  // Machine code that is in no module calls one: `ref_func`, whose argument is its own, and whose result it returns.
  const number = LIBCALLS.findIndex(([name]) => name === "ref_func");
  const buffer = new CodeBuffer(64);
  const asm = new Assembler(buffer);
  asm.r(F.PUSH, RBP);
  asm.rr(F.MOV_STORE[1], RSP, RBP);
  asm.r(F.PUSH, R14); // where the runtime looks for the caller's context (CALL-3)
  asm.ri(F.SUB.imm8[1], RSP, 8);
  asm.rm(F.MOV_R64, R10, packMem(R14, NO_REG, 0), HEAD.builtinFunctions);
  asm.ri(F.MOV_R32_IMM32, RAX, number);
  asm.m(F.CALL_RM, packMem(R10, NO_REG, 0), 8 * number);
  asm.op(F.LEAVE);
  asm.op(F.RET);
  asm.finish();
  const own = loadCode({ ...code.compiled, code: buffer.toBytes(), builtinStubs: new Int32Array(0) }, undefined);
  const { call, target } = instance.exports;
  funcStateOf(call)!.callee = own.address;
  const before = funcStateOf(target);
  assertEquals(Number(call(1)), state.functionAddress(1));
  assertStrictEquals(state.store.funcAt(Number(call(1))), before);
  own.release();
});

Deno.test("004/4.1d the function that was entered last is at 24, a host function's in its own context", () => {
  using sandbox = new Sandbox();
  const instance = sandbox.instance(
    `(module (import "m" "h" (func $h (result i32)))
    (func (export "inner") (result i32) (i32.const 1))
    (func (export "outer") (result i32) (i32.add (call $h) (i32.const 1))))`,
    { m: { h: () => (seen.push(at(24)), 7) } },
  );
  const seen: number[] = [];
  const { at } = stateOf(instance);
  const { inner, outer } = instance.exports;
  assertEquals([HEAD.callee, at(24)], [24, 0]);
  assertEquals([outer(), seen, at(24)], [8, [funcStateOf(outer)!.callee], funcStateOf(outer)!.callee]);
  assertEquals([inner(), at(24)], [1, funcStateOf(inner)!.callee]);
  assertEquals([outer(), at(24)], [8, funcStateOf(outer)!.callee]); // aimed before, entered again
  assertEquals([VMHostFunc.offsets.callee, VMHostFunc.sizeBytes], [HEAD.callee, 32]);
});

Deno.test("004/4.1e the engine's epoch is where the pointer at 32 is to, one count for all that tick", () => {
  using sandbox = new Sandbox();
  const [first, second] = ["(module)", "(module (memory 1))"].map((text) => contextOf(sandbox, text));
  assertEquals([HEAD.epochPtr, first.at(32)], [32, second.at(32)]);
  const count = () => {
    const { u32 } = new NativeRegion(first.at(32), 8);
    return u32[0] + u32[1] * 2 ** 32;
  };
  assertEquals([count(), first.at(32) % 8], [0, 0]);
  const elsewhere = Epoch.from(structuredClone(sandbox.engine.epoch));
  assertEquals([sandbox.engine.epoch.increment(), elsewhere.increment(2 ** 33), count()], [
    1n,
    2n ** 33n + 1n,
    2 ** 33 + 1,
  ]);
  using other = new Sandbox();
  assertEquals(new NativeRegion(contextOf(other, "(module)").at(32), 8).u32[0], 0);
});

Deno.test("004/4.1f the heap's base and bound are at 40 and 48", () => {
  using sandbox = new Sandbox();
  const { at, state } = contextOf(sandbox, OBJECTS);
  assertEquals([HEAD.gcHeapBase, HEAD.gcHeapBound], [40, 48]);
  assertEquals([at(40), at(48)], [state.store.gc.collector.baseAddress, 2 ** 32]);
});

Deno.test("004/4.1g the collector's own pointer is at 56: where it allocates next", () => {
  using sandbox = new Sandbox();
  const { at, state } = contextOf(sandbox, OBJECTS);
  assertEquals([HEAD.gcHeapData, at(56)], [56, state.store.storeContext.address + VMStoreContext.offsets.gcNext]);
});

Deno.test("004/4.1h canonical types by the module's index are at 64", () => {
  using sandbox = new Sandbox();
  const text = "(module (type (func (param i32))) (type (func)) (type (func (param i32))))";
  const { at, state } = contextOf(sandbox, text);
  assertEquals(HEAD.typeIds, 64);
  const ids = new NativeRegion(at(64), 12).u32;
  assertEquals([...ids], [...state.state.typeIds]);
  assertEquals([ids[0] === ids[2], ids[0] === ids[1]], [true, false]);
});

Deno.test("004/4.1i arrays start at 72", () => {
  assertEquals([VMContextHead.sizeBytes, new VMShape(NO_COUNTS).begin("importedMemories")], [72, 72]);
});

Deno.test("004/4.2 arrays stand in the document's order, globals at a multiple of 16", () => {
  const shape = new VMShape(COUNTS);
  const order = ARRAYS.map(([name]) => shape.begin(name));
  assertEquals(order, order.toSorted((a, b) => a - b));
  for (let tables = 0; tables < 4; tables++) {
    for (let functions = 0; functions < 4; functions++) {
      const counts = { ...NO_COUNTS, importedFunctions: functions, importedTags: tables, definedTables: tables };
      assertEquals(new VMShape(counts).begin("globals") % 16, 0);
    }
  }
});

Deno.test("004/4.3 memories come first, within 8-bit displacements", () => {
  const { shape } = shapeOf(decodeModule(wat('(module (import "m" "f" (func)) (memory 1) (table 1 funcref))')));
  assertEquals([shape.memoryPointer(0), shape.ownedMemory(0)], [72, 80]);
  assert(shape.ownedMemory(0) + VMMemoryDefinition.sizeBytes <= 128);
});

Deno.test("004/4.4 the fixed part has constant offsets that fit a byte, each field at its own", () => {
  const offsets = Object.values(VMContextHead.offsets);
  assertEquals(new Set(offsets).size, offsets.length);
  assertEquals([offsets.length, offsets.every((offset) => offset < 256)], [10, true]);
  assertEquals(offsets.at(-1), 64);
});

Deno.test("004/4.5 a shape counts what is imported, defined, owned and escaped", () => {
  const { shape } = shapeOf(decodeModule(
    wat(`(module (import "m" "f" (func)) (import "m" "f" (func)) (import "m" "t" (table 1 funcref))
    (import "m" "m" (memory 1)) (import "m" "g" (global i32)) (import "m" "e" (tag)) (import "m" "e" (tag)) (import "m" "e" (tag))
    (table 1 funcref) (table 1 funcref) (memory 1) (memory 1 1 shared) (memory 1) (global i32 (i32.const 1)) (tag)
    (func (export "x")) (func) (func (export "y")) (func (export "z")))`),
    ALL_FEATURES,
  ));
  assertEquals(shape.counts, {
    importedMemories: 1,
    importedFunctions: 2,
    importedTables: 1,
    importedGlobals: 1,
    importedTags: 3,
    definedMemories: 3,
    ownedMemories: 2,
    definedTables: 2,
    definedGlobals: 1,
    definedTags: 1,
    escapedFunctions: 3,
  });
});

Deno.test("004/4.6 a module's shape has the machine's pointers and owns what it defines and does not share", () => {
  assertEquals(struct("Pointer", { p: "ptr" }).sizeBytes, 8);
  const module = decodeModule(wat("(module (memory 1) (memory 1 1 shared) (memory 1))"), ALL_FEATURES);
  assertEquals([0, 1, 2].map((i) => ownedMemoryOf(module, i)), [0, NONE, 1]);
  const { shape } = shapeOf(module);
  assertEquals([shape.memoryPointer(1) - shape.memoryPointer(0), shape.counts.ownedMemories], [8, 2]);
});

Deno.test("004/4.7 every memory has a pointer to its definition, which only owned ones have inside", () => {
  using sandbox = new Sandbox();
  const { at, shape, state } = contextOf(sandbox, "(module (memory 1) (memory 1 1 shared))");
  assertEquals(at(shape.memoryPointer(0)), state.address + shape.ownedMemory(0));
  assertEquals(at(shape.memoryPointer(1)), state.memories[1].definitionAddress);
  assert(at(shape.memoryPointer(1)) !== 0);
  assertThrows(() => shape.ownedMemory(1), Error, "ownedMemories");
});

Deno.test("004/4.8 only functions that escape have a VMFuncRef", () => {
  const text = (n: number) =>
    `(module ${"(func)".repeat(n)} (func $e) (func $d (drop (ref.func $e))) (elem declare func $e))`;
  const [few, many] = [1, 1000].map((n) => shapeOf(decodeModule(wat(text(n)))));
  assertEquals([few.shape.counts.escapedFunctions, many.shape.sizeBytes], [1, few.shape.sizeBytes]);
  assertEquals([...few.escaped], [NONE, 0, NONE]);
});

Deno.test("004/4.9 counts and sizes are checked, and what follows is aligned", () => {
  assertThrows(
    () => new VMShape({ ...NO_COUNTS, escapedFunctions: 2 ** 27 }),
    Error,
    "too large",
  );
  for (const count of [-1, 1.5, NaN, 2 ** 31]) {
    assertThrows(() => new VMShape({ ...NO_COUNTS, importedTables: count }), Error, "importedTables");
  }
  assertThrows(() => new VMShape({ ...NO_COUNTS, ownedMemories: 1 }), Error, "owned");
  assertEquals(new VMShape({ ...NO_COUNTS, importedTags: 1 }).sizeBytes, 96);
});

Deno.test("004/4.10 each array begins where the one before it ends", () => {
  const shape = new VMShape(COUNTS);
  ARRAYS.forEach(([name, [offset, count]], i) => {
    const last = COUNTS[count] - 1;
    const end = offset(shape, last) + offset(shape, 1) - offset(shape, 0);
    const next = i + 1 < ARRAYS.length ? shape.begin(ARRAYS[i + 1][0]) : shape.sizeBytes;
    assertEquals(offset(shape, 0), shape.begin(name), name);
    assert(next >= end && next - end < 16, name);
  });
});

Deno.test("004/4.11 an index gives the offset of its element, and of no other array's", () => {
  const shape = new VMShape(COUNTS);
  assertEquals(shape.table(2) - shape.table(0), 2 * VMTableDefinition.sizeBytes);
  assertEquals(shape.funcRef(1) - shape.funcRef(0), VMFuncRef.sizeBytes);
  const all = ARRAYS.flatMap(([, [offset, count]]) =>
    Array.from({ length: COUNTS[count] }, (_, i) => offset(shape, i))
  );
  assertEquals(new Set(all).size, all.length);
  assertEquals(all, all.toSorted((a, b) => a - b));
  for (const [, [offset]] of ARRAYS) {
    for (const index of [-1, 0.5, NaN]) assertThrows(() => offset(shape, index), Error);
  }
});

Deno.test("004/4.12 an index is compared with its own array's count", () => {
  const shape = new VMShape(COUNTS);
  for (const [name, [offset, count]] of ARRAYS) {
    offset(shape, COUNTS[count] - 1);
    assertThrows(() => offset(shape, COUNTS[count]), Error, `no element ${COUNTS[count]} in ${name}`);
  }
});
