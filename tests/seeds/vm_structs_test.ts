/** Document 002: the structures that compiled code reads, and what it calls, row by row. */

import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { Func, Instance, type Memory, Trap } from "../../mod.ts";
import {
  FunctionKind,
  globalBytesOf,
  LIBCALLS,
  printLayout,
  SAVED_REGISTERS_OFFSET,
  SAVED_VECTORS_OFFSET,
  shapeOf,
  TRAPS,
  VM_NO_TYPE,
  VM_STRUCTS,
  VMCONTEXT_MAGIC,
  VMContextHead,
  VMFuncRef,
  VMFunctionImport,
  VMGlobalDefinition,
  VMGlobalImport,
  VMHOSTFUNC_MAGIC,
  VMMemoryDefinition,
  VMMemoryImport,
  VMRecord,
  VMTableDefinition,
  VMTableImport,
} from "../../lib/abi/mod.ts";
import { NONE } from "../../lib/base/mod.ts";
import { instanceOf } from "../../lib/engine/instance.ts";
import { memoryOf } from "../../lib/engine/memory.ts";
import { storeOf } from "../../lib/engine/store.ts";
import { tableOf } from "../../lib/engine/table.ts";
import { NativeRegion, RECORD } from "../../lib/host/mod.ts";
import {
  ArtifactError,
  atomicCheck32,
  atomicCheck64,
  createHostFunc,
  funcStateOf,
  type MemoryState,
  requireFit,
} from "../../lib/runtime/mod.ts";
import { handlersByNumber } from "../../lib/runtime/libcalls.ts";
import { decodeModule } from "../../lib/wasm/mod.ts";
import { Sandbox } from "../embed/sandbox.ts";
import { compile, makeStore } from "../unit/runtime/stores.ts";
import { wat } from "../wat.ts";

const EXPORTER = `(module (func (export "f") (result i32) (i32.const 5)) (table (export "t") 3 funcref)
  (memory (export "m") 2) (global (export "g") (mut i64) (i64.const 77)))`;
const IMPORTER =
  `(module (import "m" "host" (func $h (param i64 f64) (result i32))) (import "m" "f" (func $f (result i32)))
  (import "m" "t" (table 3 funcref)) (import "m" "m" (memory $m 2)) (import "m" "g" (global (mut i64)))
  (import "m" "other" (global (mut i64)))
  (func (export "sum") (param i64) (result i32) (i32.add (call $f) (call $h (local.get 0) (f64.const 0.5)))))`;

/** An instance that imports one of each, and a reader of native memory. */
function linked(sandbox: Sandbox) {
  const exporter = sandbox.instance(EXPORTER);
  const host = new Func(
    sandbox.store,
    { parameters: ["i64", "f64"], results: ["i32"] },
    (a: bigint, b: number) => Number(a) + b * 2,
  );
  const other = sandbox.instance('(module (global (export "g") (mut i64) (i64.const 1)))').exports.g;
  const instance = sandbox.instance(IMPORTER, { m: { ...exporter.exports, host, other } });
  const state = instanceOf(instance);
  const { layout: { shape } } = state.state;
  const region = new NativeRegion(state.address, shape.sizeBytes);
  const at = (offset: number) => region.u32[offset >> 2] + region.u32[offset + 4 >> 2] * 2 ** 32;
  return { exporter: instanceOf(exporter), exports: exporter.exports, instance, state, shape, at };
}

function word(address: number): number {
  return new NativeRegion(address, 4).u32[0];
}

/** The state of a memory of 64 KiB. */
function memoryState(sandbox: Sandbox): MemoryState {
  return memoryOf(sandbox.instance('(module (memory (export "m") 1))').exports.m)!;
}

const BULK = `(module (memory $a (export "a") 1 3) (memory $b (export "b") 1) (data $d "hello")
  (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (export "across") (param i32 i32 i32) (memory.copy $b $a (local.get 0) (local.get 1) (local.get 2)))
  (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
  (func (export "init") (param i32 i32 i32) (memory.init $d (local.get 0) (local.get 1) (local.get 2)))
  (func (export "drop") (data.drop $d))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "size") (result i32) (memory.size)))`;

function bytesOf(memory: Memory, start: number, length: number): number[] {
  return [...new Uint8Array(memory.buffer, start, length)];
}

Deno.test("002/2.1 a function's context is an instance's, or a host function's", () => {
  using sandbox = new Sandbox();
  const { at, shape, exporter } = linked(sandbox);
  const { environment } = VMFunctionImport.offsets;
  const [host, wasm] = [0, 1].map((i) => at(shape.functionImport(i) + environment));
  assertEquals([word(host), word(wasm), wasm], [VMHOSTFUNC_MAGIC, VMCONTEXT_MAGIC, exporter.address]);
});

Deno.test("002/2.2 an imported function is body, environment and handle: the exporter's reference", () => {
  using sandbox = new Sandbox();
  const { at, shape, exports } = linked(sandbox);
  const { body, environment, handle } = VMFunctionImport.offsets;
  assertEquals([body, environment, handle], [0, 8, 16]);
  const func = funcStateOf(exports.f)!;
  assertEquals([at(shape.functionImport(1) + body), at(shape.functionImport(1) + handle)], [func.callee, func.address]);
});

Deno.test("002/2.3 a host function is called with its context's number and values of every type", () => {
  using sandbox = new Sandbox();
  const calls: unknown[] = [];
  const { go } = sandbox.instance(
    `(module (import "m" "h" (func (param i32 i64 f32 f64 externref) (result f64)))
    (func (export "go") (param externref) (result f64)
      (call 0 (i32.const -1) (i64.const -2) (f32.const 0.5) (f64.const 4) (local.get 0))))`,
    { m: { h: (...values: unknown[]) => (calls.push(values), 1.25) } },
  ).exports;
  assertEquals([go("x"), calls], [1.25, [[-1, -2n, 0.5, 4, "x"]]]);
});

Deno.test("002/2.4 an import says whether it is called natively or by values", () => {
  using sandbox = new Sandbox();
  const { at, shape, instance } = linked(sandbox);
  const kinds = [0, 1].map((i) => at(shape.functionImport(i) + VMFunctionImport.offsets.kind));
  assertEquals([kinds, instance.exports.sum(3n)], [[FunctionKind.host, FunctionKind.wasm], 9]);
});

Deno.test("002/2.5 an imported table is its definition and a handle", () => {
  using sandbox = new Sandbox();
  const { at, shape, exports } = linked(sandbox);
  const { definition, handle } = VMTableImport.offsets;
  assertEquals([definition, handle, at(shape.tableImport(0))], [0, 8, tableOf(exports.t)!.definitionAddress]);
});

Deno.test("002/2.6 an imported memory is its definition and a handle", () => {
  using sandbox = new Sandbox();
  const { at, shape, exports } = linked(sandbox);
  const { definition, handle } = VMMemoryImport.offsets;
  assertEquals([definition, handle, at(shape.memoryImport(0))], [0, 8, memoryOf(exports.m)!.definitionAddress]);
});

Deno.test("002/2.7 an imported global is its definition and a handle", () => {
  using sandbox = new Sandbox();
  const { at, shape, exporter } = linked(sandbox);
  const { definition, handle } = VMGlobalImport.offsets;
  assertEquals([definition, handle, at(shape.globalImport(0))], [0, 8, exporter.globals[0].definitionAddress]);
  assertEquals(word(at(shape.globalImport(0))), 77);
});

Deno.test("002/2.8 a number in the store stands beside each pointer to something imported", () => {
  using sandbox = new Sandbox();
  const { at, shape, state, exporter } = linked(sandbox);
  const handles = [
    at(shape.tableImport(0) + 8),
    at(shape.memoryImport(0) + 8),
    at(shape.globalImport(0) + 8),
    at(shape.globalImport(1) + 8),
  ];
  assertEquals(new Set(handles).size, 4);
  assert(handles.every((handle) => handle >= 1 && handle < 100));
  assertEquals(handles[2], state.store.handleOf(exporter.globals[0]));
});

Deno.test("002/2.9 memory.copy is safe for overlap, and out of bounds before a byte moves", () => {
  using sandbox = new Sandbox();
  const { a, copy, across } = sandbox.instance(BULK).exports;
  new Uint8Array(a.buffer).set([1, 2, 3, 4]);
  copy(1, 0, 4);
  assertEquals(bytesOf(a, 0, 6), [1, 1, 2, 3, 4, 0]);
  copy(0, 1, 4);
  assertEquals(bytesOf(a, 0, 6), [1, 2, 3, 4, 4, 0]);
  const before = bytesOf(a, 0xfff0, 16);
  for (const [to, from, length] of [[0xfff0, 0, 17], [0, 0xfff0, 17], [1, 0, -1], [-1, 0, 2]]) {
    assertThrows(() => copy(to, from, length), Trap, "out of bounds");
    assertThrows(() => across(to, from, length), Trap, "out of bounds");
  }
  assertEquals([bytesOf(a, 0xfff0, 16), bytesOf(a, 0, 4)], [before, [1, 2, 3, 4]]);
});

Deno.test("002/2.10 memory.fill checks the same, and takes the value's low byte", () => {
  using sandbox = new Sandbox();
  const { a, fill } = sandbox.instance(BULK).exports;
  fill(1, 0x1ab, 2);
  assertEquals(bytesOf(a, 0, 4), [0, 0xab, 0xab, 0]);
  for (const [to, length] of [[0xffff, 2], [0, -1], [-1, 2]]) {
    assertThrows(() => fill(to, 9, length), Trap, "out of bounds");
  }
  assertEquals(bytesOf(a, 0xffff, 1), [0]);
});

Deno.test("002/2.11 atomicCheck32 compares, and traps where four bytes are not in bounds or not aligned", () => {
  using sandbox = new Sandbox();
  const memory = memoryState(sandbox);
  new Int32Array(memory.buffer)[3] = -7;
  assertEquals([atomicCheck32(memory, 12, -7), atomicCheck32(memory, 12, 7)], [0, 1]);
  assertEquals(atomicCheck32(memory, 65532, 0), 0);
  for (const address of [65533, 65534, 65536, 2 ** 40]) {
    assertThrows(() => atomicCheck32(memory, address, 0), Trap, "out of bounds");
  }
  for (const address of [1, 2, 65530]) assertThrows(() => atomicCheck32(memory, address, 0), Trap, "unaligned");
});

Deno.test("002/2.12 atomicCheck64 does the same for eight bytes", () => {
  using sandbox = new Sandbox();
  const memory = memoryState(sandbox);
  new BigInt64Array(memory.buffer)[2] = -(1n << 40n);
  assertEquals([atomicCheck64(memory, 16, -(1n << 40n)), atomicCheck64(memory, 16, 0n)], [0, 1]);
  assertEquals(atomicCheck64(memory, 65528, 0n), 0);
  for (const address of [65532, 65535, 65536]) {
    assertThrows(() => atomicCheck64(memory, address, 0n), Trap, "out of bounds");
  }
  for (const address of [4, 65524]) assertThrows(() => atomicCheck64(memory, address, 0n), Trap, "unaligned");
});

Deno.test("002/2.13 a table is its base and the number of its elements", () => {
  assertEquals([VMTableDefinition.offsets.base, VMTableDefinition.offsets.currentElements], [0, 8]);
  using sandbox = new Sandbox();
  const { definitionAddress, size } = tableOf(linked(sandbox).exports.t)!;
  assertEquals(word(definitionAddress + 8), size);
});

Deno.test("002/2.14 a global is 16 bytes at a multiple of 16, zero when new; a VMContext's globals too", () => {
  assertEquals([VMGlobalDefinition.sizeBytes, VMGlobalDefinition.alignBytes], [16, 16]);
  const { shape } = shapeOf(
    decodeModule(wat('(module (import "m" "f" (func)) (global v128 (v128.const i64x2 0 0)) (table 1 funcref))')),
  );
  assertEquals(shape.global(0) % 16, 0);
  assertEquals(makeBlock(), [0, 0, 0, 0, 0]);
});

/** Address modulo 16 and words of a new global's block. */
function makeBlock(): number[] {
  using store = makeStore();
  const block = store.allocate(VMGlobalDefinition.sizeBytes);
  return [block.address % 16, ...block.words];
}

Deno.test("002/2.15 a type's canonical id is 32 bits, and a function that is not complete has none", () => {
  assertEquals([VMFuncRef.fields.type, VM_NO_TYPE >>> 0], ["u32", 0xffff_ffff]);
  using store = makeStore();
  const func = createHostFunc(store, store.engine.registry.internFuncType([], []), {
    fn: () => {},
    makeCaller: undefined,
  });
  const type = () => word(func.address + VMFuncRef.offsets.type);
  assertEquals(type(), 0xffff_ffff);
  func.referenceAddress();
  assertEquals(type(), func.signature.typeId);
});

Deno.test("002/2.16 a reference has code, type, context and entry thunk; who calls it compares the type", () => {
  using sandbox = new Sandbox();
  const { call, f } = sandbox.instance(`(module (type $i (func (result i32))) (type $l (func (result i64)))
    (table funcref (elem $f)) (func $f (export "f") (type $i) (i32.const 4))
    (func (export "call") (param i32) (result i32) (if (result i32) (local.get 0)
      (then (call_indirect (type $i) (i32.const 0))) (else (i32.wrap_i64 (call_indirect (type $l) (i32.const 0)))))))`)
    .exports;
  assertEquals(call(1), 4);
  assertThrows(() => call(0), Trap, "type mismatch");
  const { address, callee, entryThunk, vmctx, signature } = funcStateOf(f)!;
  const { u32 } = new NativeRegion(address, VMFuncRef.sizeBytes);
  const at = (offset: number) => u32[offset >> 2] + u32[offset + 4 >> 2] * 2 ** 32;
  const { wasmCall, type, entryThunk: thunk, vmctx: context } = VMFuncRef.offsets;
  assertEquals([at(wasmCall), at(thunk), at(context), u32[type >> 2]], [callee, entryThunk, vmctx, signature.typeId]);
});

Deno.test("002/2.17 every runtime call has a handler, and a hole would be found at once", () => {
  const names = LIBCALLS.map(([name]) => name);
  assertEquals(new Set(names).size, names.length);
  assertEquals(handlersByNumber(["a", "b"], { b: 2, a: 1 }), [1, 2]);
  assertThrows(() => handlersByNumber(["a", "hole"], { a: 1 }), Error, "hole");
  // The same for the addresses of their stubs: an artifact with a hole is refused before anything runs.
  const { module, compiled } = compile(wat("(module (func))"));
  requireFit(module, compiled);
  assertEquals(compiled.builtinStubs.length, names.length);
  for (const wrong of [compiled.builtinStubs.slice(1), compiled.builtinStubs.map((at, i) => i === 2 ? NONE : at)]) {
    assertThrows(() => requireFit(module, { ...compiled, builtinStubs: wrong }), ArtifactError);
  }
});

Deno.test("002/2.18 memories grow, have a size, are copied, filled and initialised, defined and imported ones", () => {
  using sandbox = new Sandbox();
  const text = BULK.replace(
    '(memory $a (export "a") 1 3)',
    '(import "m" "a" (memory $a 1 3)) (export "a" (memory $a))',
  );
  const imported = sandbox.instance('(module (memory (export "a") 1 3))').exports;
  for (const module of [BULK, text]) {
    const { a, b, grow, size, init, drop, across, fill, copy } = sandbox.instance(module, { m: imported }).exports;
    assertEquals([size(), grow(1), size(), grow(2), size()], [1, 1, 2, -1, 2]);
    init(65536, 1, 3);
    assertEquals(bytesOf(a, 65536, 4), [101, 108, 108, 0]);
    across(7, 65536, 3);
    assertEquals(bytesOf(b, 6, 4), [0, 101, 108, 108]);
    fill(70_000, 7, 2);
    copy(70_001, 65536, 2);
    assertEquals(bytesOf(a, 69_999, 5), [0, 7, 101, 108, 0]);
    for (const wrong of [() => fill(131_071, 1, 2), () => copy(131_071, 0, 2)]) {
      assertThrows(wrong, Trap, "out of bounds");
    }
    assertThrows(() => init(0, 3, 3), Trap, "out of bounds");
    drop();
    init(0, 0, 0);
    assertThrows(() => init(0, 0, 1), Trap, "out of bounds");
  }
});

Deno.test("002/2.19 tables are copied, initialised, filled, read, written, measured and grown, defined and imported ones", () => {
  using sandbox = new Sandbox();
  const body = `(func $f (export "f")) (elem $s func $f $f)
    (func (export "init") (param i32 i32 i32) (table.init $s (local.get 0) (local.get 1) (local.get 2)))
    (func (export "drop") (elem.drop $s))
    (func (export "copy") (param i32 i32 i32) (table.copy (local.get 0) (local.get 1) (local.get 2)))
    (func (export "get") (param i32) (result funcref) (table.get 0 (local.get 0)))
    (func (export "set") (param i32 funcref) (table.set 0 (local.get 0) (local.get 1)))
    (func (export "fill") (param i32 funcref i32) (table.fill 0 (local.get 0) (local.get 1) (local.get 2)))
    (func (export "grow") (param funcref i32) (result i32) (table.grow 0 (local.get 0) (local.get 1)))
    (func (export "size") (result i32) (table.size 0)))`;
  const imported = sandbox.instance('(module (table (export "t") 4 6 funcref))').exports;
  for (const table of ["(table 4 6 funcref)", '(import "m" "t" (table 4 6 funcref))']) {
    const { f, init, drop, copy, get, set, fill, grow, size } =
      sandbox.instance(`(module ${table} ${body}`, { m: imported }).exports;
    init(1, 0, 2);
    copy(0, 2, 1);
    assertEquals([0, 1, 2, 3].map((i) => get(i) === f), [true, true, true, false]);
    set(0, null);
    fill(2, null, 2);
    assertEquals([0, 1, 2, 3].map((i) => get(i) === f), [false, true, false, false]);
    assertEquals([size(), grow(f, 2), size(), grow(null, 1)], [4, 4, 6, -1]);
    assertStrictEquals(get(5), f);
    assertThrows(() => init(0, 1, 2), Trap, "out of bounds");
    drop();
    assertThrows(() => init(0, 0, 1), Trap, "out of bounds");
  }
});

Deno.test("002/2.20 guests wait and notify, in defined and imported memories", () => {
  using sandbox = new Sandbox();
  const body = `(func (export "wait32") (param i32 i32) (result i32)
      (memory.atomic.wait32 (local.get 0) (local.get 1) (i64.const 1000)))
    (func (export "wait64") (param i32 i64) (result i32) (memory.atomic.wait64 (local.get 0) (local.get 1) (i64.const 1000)))
    (func (export "notify") (param i32 i32) (result i32) (memory.atomic.notify (local.get 0) (local.get 1))))`;
  const imported = sandbox.instance('(module (memory (export "m") 1 1 shared))').exports;
  for (const memory of ["(memory 1 1 shared)", '(import "m" "m" (memory 1 1 shared))']) {
    const { wait32, wait64, notify } = sandbox.instance(`(module ${memory} ${body}`, { m: imported }).exports;
    assertEquals([wait32(0, 1), wait32(0, 0), wait64(8, 1n), wait64(8, 0n), notify(0, 5)], [1, 2, 1, 2, 0]);
    assertThrows(() => wait32(65536, 0), Trap, "out of bounds");
    assertThrows(() => wait64(4, 0n), Trap, "unaligned");
  }
});

Deno.test("002/2.21 ref.func makes one reference a function, and a trap carries its code", () => {
  using sandbox = new Sandbox();
  const { ref, f, stop, divide } =
    sandbox.instance(`(module (func $f (export "f")) (func (export "ref") (result funcref) (ref.func $f))
    (func (export "stop") unreachable) (func (export "divide") (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0))))`)
      .exports;
  assertStrictEquals(ref(), f);
  const codes = [() => stop(), () => divide(0)].map((call) => (assertThrows(call, Trap) as Trap).code);
  assertEquals(codes, ["unreachable", "integer_divide_by_zero"]);
  assert(codes.every((code) => TRAPS.some(([name]) => name === code)));
});

Deno.test("002/2.22 a VMContext lies at a multiple of 16, and its address gives the instance", () => {
  using sandbox = new Sandbox();
  for (const text of ["(module)", EXPORTER, "(module (global i32 (i32.const 1)))"]) {
    storeOf(sandbox.store).blocks.allocate(8); // whatever lies before it
    const state = instanceOf(sandbox.instance(text));
    assertEquals(state.address % 16, 0);
    assertStrictEquals(state.store.instanceAt(state.address), state);
  }
});

Deno.test("002/2.23 one entry thunk a type carries arguments and results as values of 16 bytes", () => {
  using sandbox = new Sandbox();
  const { a, b } = sandbox.instance(`(module (type $t (func (param i32 i64 f32 f64 v128) (result v128 f64 f32 i64 i32)))
    (func (export "a") (type $t) (local.get 4) (local.get 3) (local.get 2) (local.get 1) (local.get 0))
    (func (export "b") (type $t) (local.get 4) (local.get 3) (local.get 2) (local.get 1) (i32.const 8)))`).exports;
  const vector = Uint8Array.from({ length: 16 }, (_, i) => i);
  assertEquals(a(7, -8n, 1.5, -2.5, vector), [vector, -2.5, 1.5, -8n, 7]);
  assertEquals(b(7, -8n, 1.5, -2.5, vector), [vector, -2.5, 1.5, -8n, 8]);
  assertEquals(funcStateOf(a)!.entryThunk, funcStateOf(b)!.entryThunk);
});

Deno.test("002/2.24 a memory is its base and length, and the base stays when it grows", () => {
  assertEquals([VMMemoryDefinition.offsets.base, VMMemoryDefinition.offsets.currentLengthBytes], [0, 8]);
  using sandbox = new Sandbox();
  const { a, grow } = sandbox.instance(BULK).exports;
  const { definitionAddress } = memoryOf(a)!;
  const { u32 } = new NativeRegion(definitionAddress, 16);
  const before = [u32[0], u32[1], u32[2]];
  grow(2);
  assertEquals([u32[0], u32[1], u32[2], before[2]], [before[0], before[1], 3 * 65536, 65536]);
});

Deno.test("002/2.25 the host's and the compiler's layouts are equal, and those of the golden file", () => {
  const own: Partial<Record<string, number>> = {
    ...VMRecord.offsets,
    // What the host names as a whole, or keeps behind the struct.
    libArgs: VMRecord.offsets.libArg0,
    generatedCode: VMRecord.offsets.callee,
    savedRegisters: SAVED_REGISTERS_OFFSET,
    savedVectors: SAVED_VECTORS_OFFSET,
  };
  const { faultCode, ...shared } = RECORD; // a field that only boot image and host know, behind the struct
  for (const [field, offset] of Object.entries(shared)) assertEquals(own[field], offset, field);
  assert(faultCode >= VMRecord.sizeBytes && faultCode < SAVED_REGISTERS_OFFSET);
  const golden = Deno.readTextFileSync(new URL("../unit/abi/layout.golden.txt", import.meta.url));
  assertEquals(VM_STRUCTS.map(printLayout).join("\n") + "\n", golden);
  assertEquals(VM_STRUCTS.some((layout) => layout === VMContextHead as unknown), true);
});

Deno.test("002/2.T1 globals are packed by size: vectors, 8 bytes, 4 bytes", () => {
  const text = `(module (global i32 (i32.const 1)) (global v128 (v128.const i64x2 2 3)) (global f64 (f64.const 4))
    (global $f f32 (f32.const 5)) (global funcref (ref.null func)) (global externref (ref.null extern)))`;
  const module = decodeModule(wat(text));
  const { shape } = shapeOf(module);
  const offsets = module.globals.map((_, i) => shape.global(i) - shape.begin("globals"));
  assertEquals(offsets, [32, 0, 16, 36, 24, 40]);
  assertEquals(module.globals.map(({ type }) => globalBytesOf(type, module.types)), [4, 16, 8, 4, 8, 4]);
});

Deno.test("002/2.T2 globals lie inside the VMContext, and a write to one changes no other", () => {
  using sandbox = new Sandbox();
  const types = ["i32", "i64", "f32", "i32", "v128", "f64", "i64", "i32"];
  const globals = types.map((type, i) =>
    `(global (export "g${i}") (mut ${type}) (${type}.const ${type === "v128" ? "i64x2 0 0" : 0}))`
  );
  const instance = sandbox.instance(`(module ${globals.join("")})`);
  const state = instanceOf(instance);
  const end = state.address + state.state.layout.shape.sizeBytes;
  for (const { definitionAddress } of state.globals) {
    assert(definitionAddress > state.address && definitionAddress < end);
  }
  const values = [-1, -2n, 0.5, -4, new Uint8Array(16).fill(255), 6.5, -7n, -8];
  const order = [3, 0, 7, 2, 6, 1, 5, 4];
  for (const i of order) instance.exports[`g${i}`].value = values[i];
  for (const i of order.toReversed()) instance.exports[`g${i}`].value = values[i];
  assertEquals(values.map((_, i) => instance.exports[`g${i}`].value), values);
});

Deno.test("instantiating does not touch the elements of a table of 10,000,000", () => {
  using sandbox = new Sandbox();
  const functions = Array.from({ length: 1000 }, (_, i) => `$f${i}`);
  const text = `(module (table (export "t") 10000000 funcref) (elem (i32.const 5) func ${functions.join(" ")})
    ${functions.map((name, i) => `(func ${name} (result i32) (i32.const ${i}))`).join("")})`;
  const module = sandbox.module(text);
  const state = instanceOf(new Instance(sandbox.store, module));
  const table = state.tables[0];
  assertEquals([5, 1004, 9_999_999].map((i) => table.getFuncMaybeInit(i)), [
    "uninitialized",
    "uninitialized",
    "uninitialized",
  ]);
  assert(table.getFunc(1004) !== 0);
  assertEquals([table.getFunc(9_999_999), table.getFuncMaybeInit(1003)], [0, "uninitialized"]);
});
