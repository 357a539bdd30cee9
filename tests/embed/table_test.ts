import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { Engine, Instance, Module, Store, Table, Trap } from "../../mod.ts";
import { wat } from "../wat.ts";
import { Sandbox } from "./sandbox.ts";

const TABLES = `(module
  (table $f (export "f") 3 10 funcref) (table $e (export "e") 2 externref)
  (elem (table $f) (i32.const 1) func $one $two)
  (func $one (export "one") (result i32) i32.const 1)
  (func $two (result i32) i32.const 2)
  (type $t (func (result i32)))
  (func (export "call") (param i32) (result i32) (call_indirect $f (type $t) (local.get 0)))
  (func (export "get") (param i32) (result funcref) (table.get $f (local.get 0)))
  (func (export "set") (param i32 funcref) (table.set $f (local.get 0) (local.get 1)))
  (func (export "grow") (param funcref i32) (result i32) (table.grow $f (local.get 0) (local.get 1)))
  (func (export "fill") (param i32 funcref i32) (table.fill $f (local.get 0) (local.get 1) (local.get 2)))
  (func (export "copy") (param i32 i32 i32) (table.copy $f $f (local.get 0) (local.get 1) (local.get 2)))
  (func (export "size") (result i32) (table.size $f))
  (func (export "getE") (param i32) (result externref) (table.get $e (local.get 0)))
  (func (export "setE") (param i32 externref) (table.set $e (local.get 0) (local.get 1)))
  (func (export "growE") (param externref i32) (result i32) (table.grow $e (local.get 0) (local.get 1)))
  (func (export "fillE") (param i32 externref i32) (table.fill $e (local.get 0) (local.get 1) (local.get 2))))`;

Deno.test("guest and JavaScript see the same table of functions", () => {
  using sandbox = new Sandbox();
  const { f, one, call, get, set, grow, fill, copy, size } = sandbox.instance(TABLES).exports;
  assertEquals([call(1), call(2), get(0), f.get(0)], [1, 2, null, null]);
  assertStrictEquals(f.get(1), one);
  assertStrictEquals(get(1), one);
  set(0, f.get(2));
  assertEquals(call(0), 2);
  f.set(0, one);
  assertEquals(call(0), 1);
  f.set(0);
  assertThrows(() => call(0), Trap, "uninitialized");
  assertEquals([grow(one, 2), size(), f.size, call(4)], [3, 5, 5, 1]);
  assertEquals([f.grow(1, one), call(5)], [5, 1]);
  assertEquals([grow(null, 5), grow(null, 4), size()], [-1, 6, 10]);
  fill(6, f.get(2), 4);
  assertEquals(call(9), 2);
  f.fill(one, 6, 2);
  assertEquals([call(7), call(8)], [1, 2]);
  copy(0, 1, 2);
  assertEquals([call(0), call(1), call(2)], [1, 2, 2]);
  assertThrows(() => copy(9, 0, 2), Trap);
});

Deno.test("guest and JavaScript see the same table of host values", () => {
  using sandbox = new Sandbox();
  const { e, getE, setE, growE, fillE } = sandbox.instance(TABLES).exports;
  const object = { a: 1 };
  setE(0, object);
  e.set(1, undefined);
  assertStrictEquals(e.get(0), object);
  assertEquals([getE(1), growE("x", 2), getE(3), e.size], [undefined, 2, "x", 4]);
  fillE(0, -0, 2);
  assertEquals(Object.is(getE(1), -0), true);
  assertEquals(e.grow(1), 4);
  assertEquals(getE(4), null);
});

Deno.test("Table methods check indices, values and stores", () => {
  using sandbox = new Sandbox();
  using other = new Sandbox();
  const { f, e, one } = sandbox.instance(TABLES).exports;
  for (const wrong of [() => f.get(3), () => f.set(3, null), () => f.fill(null, 2, 2), () => f.grow(100)]) {
    assertThrows(wrong, RangeError);
  }
  for (const wrong of [-1, 0.5, "x", 2 ** 32, NaN]) assertThrows(() => f.get(wrong), TypeError);
  for (const wrong of [1, {}, () => 1, "x", undefined]) assertThrows(() => f.set(0, wrong), TypeError);
  assertThrows(() => f.set(0, other.instance(TABLES).exports.one), TypeError, "another store");
  const mine = new Table(sandbox.store, { element: "funcref", minimum: 2 }, one);
  assertEquals(mine.get(1)(), 1);
  mine.copyFrom(0, f, 0, 1);
  assertEquals(mine.get(0), null);
  assertThrows(() => mine.copyFrom(0, f, 0, 3), RangeError);
  assertThrows(() => mine.copyFrom(0, e, 0, 1), TypeError);
  assertThrows(() => mine.copyFrom(0, {} as never, 0, 1), TypeError);
  assertThrows(() => new Table(sandbox.store, { element: "i32", minimum: 1 }), TypeError);
  assertThrows(() => new Table(sandbox.store, { element: "funcref", minimum: 2, maximum: 1 }), RangeError);
  assertThrows(() => new Table(sandbox.store, { element: "funcref", minimum: 2 ** 31 }), RangeError);
  assertThrows(() => new Table(sandbox.store, { element: "funcref", minimum: 1 }, {} as never), TypeError);
});

Deno.test("a shared table is filled by the instances that import it, and keeps their functions", () => {
  using sandbox = new Sandbox();
  const table = new Table(sandbox.store, { element: "funcref", minimum: 4 });
  const text = (at: number) =>
    `(module (import "m" "table" (table 4 funcref)) (elem (i32.const ${at}) $f) (func $f (result i32) i32.const ${at}))`;
  for (let i = 0; i < 4; i++) sandbox.instance(text(i), { m: { table } });
  assertEquals([0, 1, 2, 3].map((i) => table.get(i)()), [0, 1, 2, 3]);
});

Deno.test("a table of a million elements is ready at once and initialises what is used", () => {
  using sandbox = new Sandbox();
  const module = sandbox.module(`(module (table (export "t") 1000000 funcref) (elem (i32.const 999999) $f)
    (type $t (func (result i32))) (func $f (result i32) i32.const 5)
    (func (export "call") (param i32) (result i32) (call_indirect (type $t) (local.get 0))))`);
  const { t, call } = new Instance(sandbox.store, module).exports;
  assertEquals([call(999999), t.size], [5, 1000000]);
  assertThrows(() => call(0), Trap);
});

Deno.test("a store's limiter decides about tables of guests and JavaScript", () => {
  using engine = new Engine();
  const failures: string[] = [];
  using store = new Store(engine, {
    limiter: { tableGrowing: (_, desired) => desired <= 5, tableGrowFailed: ({ message }) => failures.push(message) },
  });
  const table = new Table(store, { element: "externref", minimum: 2, maximum: 4 });
  assertEquals([table.maximum, table.isStatic, table.grow(2, "x")], [4, false, 2]);
  assertThrows(() => table.grow(1), RangeError, "cannot grow");
  assertEquals(failures, ["A table of at most 4 elements cannot have 5"]);
  assertThrows(() => table.grow(2), RangeError, "cannot grow");
  assertEquals(failures.length, 1);
  assertThrows(() => new Table(store, { element: "funcref", minimum: 6 }), RangeError, "limiter");
  table.set(0, "a");
  table.copyWithin(1, 0, 3);
  assertEquals([0, 1, 2, 3].map((i) => table.get(i)), ["a", "a", null, "x"]);
});

Deno.test("code compiled for lazy tables is refused by an engine with eager ones", () => {
  using lazy = new Engine();
  using eager = new Engine({ tables: "eager" });
  const artifact = new Module(lazy, wat("(module (table 1 funcref))")).serialize();
  assertThrows(() => Module.deserialize(eager, artifact, { trusted: true }), Error, "lazy tables");
  assertThrows(() => new Engine({ tables: "later" as never }), TypeError, "tables");
  assertThrows(() => new Engine({ tablePool: { tables: 0, elements: 1 } }), TypeError, "tablePool");
});
