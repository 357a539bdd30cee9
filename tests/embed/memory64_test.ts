/** Memories and tables with 64-bit addresses, several memories, pages of 1 byte: the API. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { HostError, Instance, LinkError, Memory, Module, Table, Trap } from "../../mod.ts";
import { wat } from "../wat.ts";
import { Sandbox } from "./sandbox.ts";

Deno.test("a 64-bit memory takes numbers and bigints and gives bigints", () => {
  using sandbox = new Sandbox({}, { limits: { memoryBytes: Infinity } });
  const { store } = sandbox;
  const memory = new Memory(store, { minimum: 1n, maximum: 4n, address: "i64" });
  assertEquals(memory.type, { minimum: 1n, maximum: 4n, address: "i64" });
  assertEquals(memory.grow(1n), 1n);
  assertEquals(memory.grow(1 as never), 2n);
  assertEquals([memory.sizePages, memory.byteLength], [3n, 3 * 65536]);
  memory.write(131072n, Uint8Array.of(1, 2));
  assertEquals(memory.read(131073, 1), Uint8Array.of(2));
  assertThrows(() => memory.read(2n ** 63n, 1), RangeError);
  assertThrows(() => memory.write(-1n, new Uint8Array(1)), TypeError);
  assertThrows(() => memory.grow(2n), RangeError);
  assertThrows(() => memory.grow(1.5 as never), TypeError);
  assertThrows(() => new Memory(store, { minimum: 5n, maximum: 4n, address: "i64" }), RangeError);
  assertThrows(() => new Memory(store, { minimum: 2n ** 48n + 1n, address: "i64" }), RangeError);
  assertThrows(() => new Memory(store, { minimum: 1, address: "i63" } as never), TypeError, "address type");
  // Within the specification's limits, beyond this implementation's.
  assertThrows(() => new Memory(store, { minimum: 2n ** 48n, address: "i64" }), HostError, "supported");
});

Deno.test("a 64-bit memory grows beyond 4 GiB, and its code reaches every byte", () => {
  using sandbox = new Sandbox({}, { limits: { memoryBytes: 16 * 2 ** 30 } });
  const { grow, size, load, store, memory } = sandbox.instance(`(module (memory (export "memory") i64 1)
    (func (export "grow") (param i64) (result i64) (memory.grow (local.get 0)))
    (func (export "size") (result i64) (memory.size))
    (func (export "load") (param i64) (result i64) (i64.load (local.get 0)))
    (func (export "store") (param i64 i64) (i64.store (local.get 0) (local.get 1))))`).exports;
  assertEquals(grow(70_000n), 1n);
  assertEquals([size(), memory.byteLength], [70_001n, 70_001 * 65536]);
  const last = 70_001n * 65536n - 8n;
  store(last, -5n);
  store(2n ** 32n, 7n);
  assertEquals([load(last), load(2n ** 32n), load(0n)], [-5n, 7n, 0n]);
  assertEquals(assertThrows(() => load(last + 1n), Trap).code, "memory_out_of_bounds");
  assertEquals(assertThrows(() => load(-1n), Trap).code, "memory_out_of_bounds");
  assertEquals([grow(2n ** 48n), grow(-1n), grow(200_000n)], [-1n, -1n, -1n]);
  assertEquals(memory.read(last, 1), Uint8Array.of(0xfb));
});

Deno.test("a 64-bit table takes numbers and bigints and gives bigints", () => {
  using sandbox = new Sandbox();
  const { store } = sandbox;
  const table = new Table(store, { element: "externref", minimum: 2n, maximum: 9n, address: "i64" });
  table.set(1n, "x");
  assertEquals([table.get(1), table.size, table.grow(2n, "y"), table.get(3n)], ["x", 2n, 2n, "y"]);
  assertEquals(table.type, { element: "externref", minimum: 4n, maximum: 9n, address: "i64" });
  table.fill("z", 2n);
  assertEquals([table.get(1), table.get(2), table.get(3)], ["x", "z", "z"]);
  const narrow = new Table(store, { element: "externref", minimum: 3 });
  narrow.copyFrom(1, table, 1n, 2);
  assertEquals([narrow.get(0), narrow.get(1), narrow.get(2)], [null, "x", "z"]);
  assertThrows(() => table.get(2n ** 32n + 1n), RangeError);
  assertThrows(() => table.get(-1), TypeError);
  assertThrows(() => table.grow(6n), RangeError);
});

Deno.test("calls, copies and segments work on 64-bit tables", () => {
  for (const bounds of ["guard", "explicit"] as const) {
    using sandbox = new Sandbox({ bounds });
    const exports = sandbox.instance(`(module
      (table $wide (export "wide") i64 4 10 funcref) (table $narrow 4 funcref)
      (type $f (func (result i32)))
      (func $one (type $f) (i32.const 1)) (func $two (type $f) (i32.const 2))
      (elem (table $wide) (i64.const 1) func $one $two)
      (elem $passive func $two $one)
      (func (export "call") (param i64) (result i32) (call_indirect $wide (type $f) (local.get 0)))
      (func (export "callNarrow") (param i32) (result i32) (call_indirect $narrow (type $f) (local.get 0)))
      (func (export "init") (param i64) (table.init $wide $passive (local.get 0) (i32.const 0) (i32.const 2)))
      (func (export "copy") (param i32 i64 i32) (table.copy $narrow $wide (local.get 0) (local.get 1) (local.get 2)))
      (func (export "grow") (param i64) (result i64) (table.grow $wide (ref.null func) (local.get 0)))
      (func (export "size") (result i64) (table.size $wide))
      (func (export "fill") (param i64 i64) (table.fill $wide (local.get 0) (ref.func $one) (local.get 1))))`).exports;
    const code = (call: () => unknown) => assertThrows(call, Trap).code;
    assertEquals([exports.call(1n), exports.call(2n)], [1, 2]);
    assertEquals(code(() => exports.call(0n)), "indirect_call_to_null");
    for (const index of [4n, 2n ** 32n + 1n, -1n]) {
      assertEquals(code(() => exports.call(index)), "indirect_call_out_of_bounds");
    }
    exports.copy(0, 1n, 2);
    assertEquals(exports.callNarrow(1), 2);
    assertEquals(code(() => exports.copy(0, 2n ** 32n, 1)), "table_out_of_bounds");
    assertEquals([exports.grow(3n), exports.size(), exports.grow(2n ** 32n), exports.grow(-1n)], [4n, 7n, -1n, -1n]);
    exports.init(5n);
    assertEquals([exports.call(5n), exports.call(6n)], [2, 1]);
    assertEquals(code(() => exports.init(6n)), "table_out_of_bounds");
    exports.fill(5n, 2n);
    assertEquals(exports.call(5n), 1);
    assertEquals(code(() => exports.fill(1n, -1n)), "table_out_of_bounds");
    assertEquals(exports.wide.type, { element: "funcref", minimum: 7n, maximum: 10n, address: "i64" });
  }
});

Deno.test("imports match by address type, sharing and page size", () => {
  using sandbox = new Sandbox({ features: ["memory64", "threads", "custom-page-sizes", "multi-memory"] });
  const { engine, store } = sandbox;
  const given = {
    plain: new Memory(store, { minimum: 1, maximum: 2 }),
    wide: new Memory(store, { minimum: 1n, maximum: 2n, address: "i64" }),
    shared: new Memory(store, { minimum: 1, maximum: 2, shared: true }),
    bytes: new Memory(store, { minimum: 1, maximum: 2, pageSize: 1 }),
    sharedBytes: new Memory(store, { minimum: 1, maximum: 2, pageSize: 1, shared: true }),
  };
  const wanted = {
    plain: "1 2",
    wide: "i64 1 2",
    shared: "1 2 shared",
    bytes: "1 2 (pagesize 1)",
    sharedBytes: "1 2 shared (pagesize 1)",
  };
  for (const [want, type] of Object.entries(wanted)) {
    const module = new Module(engine, wat(`(module (import "m" "memory" (memory ${type})))`));
    assertEquals(module.imports[0].type, { ...given[want as "plain"].type });
    for (const [name, memory] of Object.entries(given)) {
      const link = () => new Instance(store, module, { m: { memory } });
      if (name === want) link();
      else assertThrows(link, LinkError, "memory");
    }
  }
  assertEquals(given.bytes.byteLength, 1);
  assertEquals(given.bytes.grow(1), 1);
  assertThrows(() => given.bytes.grow(1), RangeError);
  assertThrows(() => new Memory(store, { minimum: 1, pageSize: 2 }), TypeError);
  assertThrows(() => new Memory(store, { minimum: 1, shared: true }), TypeError, "maximum");
  const posted = structuredClone(given.sharedBytes.shared!);
  assert(posted.bytes instanceof SharedArrayBuffer);
});

Deno.test("a module uses several memories, its own and imported", () => {
  using sandbox = new Sandbox();
  const imported = new Memory(sandbox.store, { minimum: 1 });
  const { copy, sizes, own } = sandbox.instance(
    `(module (import "m" "memory" (memory $a 1)) (memory $b (export "own") 2) (memory $c 3)
      (data (memory $b) (i32.const 4) "wxyz")
      (func (export "copy") (memory.copy $a $b (i32.const 0) (i32.const 4) (i32.const 4))
        (i32.store8 $c (i32.const 0) (i32.load8_u $a (i32.const 1)))
        (i32.store8 $a (i32.const 5) (i32.load8_u $c (i32.const 0))))
      (func (export "sizes") (result i32 i32 i32)
        (memory.size $a) (memory.grow $b (i32.const 1)) (memory.size $c)))`,
    { m: { memory: imported } },
  ).exports;
  copy();
  assertEquals(imported.readString(0, 6), "wxyz\0x");
  assertEquals([sizes(), own.sizePages], [[1, 2, 3], 3]);
});
