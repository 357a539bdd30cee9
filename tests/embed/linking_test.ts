import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  Engine,
  Func,
  Global,
  type Imports,
  Instance,
  Linker,
  LinkError,
  Memory,
  Module,
  Store,
  Table,
  Trap,
} from "../../mod.ts";
import { wat } from "../wat.ts";
import { Sandbox } from "./sandbox.ts";

Deno.test("a missing import is named with its kind and type", () => {
  using sandbox = new Sandbox();
  const cases: [text: string, message: string][] = [
    [`(func (param i32) (result i64))`, "func [i32] -> [i64]"],
    [`(memory 1 2)`, "memory 1 2"],
    [`(table 3 funcref)`, "table 3 (ref null func)"],
    [`(global (mut f32))`, "global (mut f32)"],
  ];
  for (const [text, message] of cases) {
    const module = sandbox.module(`(module (import "env" "x" ${text}))`);
    const error: LinkError = assertThrows(() => new Instance(sandbox.store, module), LinkError, message);
    assertEquals(error.message.startsWith('import "env" "x": not given'), true);
    assertEquals(error.import?.name, "x");
    assertThrows(() => new Linker(sandbox.engine).instantiate(sandbox.store, module), LinkError, message);
  }
  const many = sandbox.module(`(module (import "a" "b" (func)) (import "c" "d" (func)))`);
  assertThrows(() => new Instance(sandbox.store, many), LinkError, '"c" "d"');
});

Deno.test("imports of the wrong kind or type are refused, before anything is made", () => {
  using sandbox = new Sandbox();
  const { store } = sandbox;
  const memory = new Memory(store, { minimum: 1, maximum: 5 });
  const table = new Table(store, { element: "funcref", minimum: 2 });
  const global = new Global(store, { valueType: "i32", mutability: "var" });
  const constant = new Global(store, { valueType: "i32" });
  const func = new Func(store, { parameters: ["i32"], results: [] }, () => {});
  const cases: [text: string, value: unknown, ok: boolean][] = [
    [`(func (param i32))`, func, true],
    [`(func (param i32))`, func.callable, true],
    [`(func (param i64))`, func, false],
    [`(func (param i32) (result i32))`, func, false],
    [`(func)`, memory, false],
    [`(func)`, 1, false],
    [`(func)`, null, false],
    [`(memory 1)`, memory, true],
    [`(memory 2)`, memory, false],
    [`(memory 1 5)`, memory, true],
    [`(memory 1 4)`, memory, false],
    [`(memory 1)`, {}, false],
    [`(memory 1)`, func, false],
    [`(table 2 funcref)`, table, true],
    [`(table 3 funcref)`, table, false],
    [`(table 2 2 funcref)`, table, false],
    [`(table 2 externref)`, table, false],
    [`(global (mut i32))`, global, true],
    [`(global i32)`, global, false],
    [`(global (mut i64))`, global, false],
    [`(global (mut i32))`, constant, false],
    [`(global (mut i32))`, 5, false],
    [`(global i32)`, 5, true],
    [`(global i32)`, 5n, false],
    [`(global i64)`, 5n, true],
    [`(global i64)`, 5, false],
    [`(global f64)`, 5.5, true],
    [`(global i32)`, "5", false],
  ];
  for (const [text, value, ok] of cases) {
    const module = sandbox.module(`(module (import "m" "x" ${text}))`);
    const link = () => new Instance(store, module, { m: { x: value } } as Imports);
    if (ok) link();
    else assertThrows(link, LinkError, undefined, `${text} ${String(value)}`);
  }
});

Deno.test("objects of another store are refused", () => {
  using sandbox = new Sandbox();
  using other = new Store(sandbox.engine);
  const { store } = sandbox;
  for (
    const [text, value] of [
      [`(memory 1)`, new Memory(other, { minimum: 1 })],
      [`(table 1 funcref)`, new Table(other, { element: "funcref", minimum: 1 })],
      [`(global i32)`, new Global(other, { valueType: "i32" }, 1)],
      [`(func)`, new Func(other, { parameters: [], results: [] }, () => {})],
      [`(func)`, new Func(other, { parameters: [], results: [] }, () => {}).callable],
    ] as const
  ) {
    const module = sandbox.module(`(module (import "m" "x" ${text}))`);
    assertThrows(() => new Instance(store, module, { m: { x: value } }), LinkError, "another store");
  }
});

Deno.test("a module and a store of different engines are refused", () => {
  using sandbox = new Sandbox();
  using other = new Sandbox();
  const module = other.module(`(module)`);
  assertThrows(() => new Instance(sandbox.store, module), TypeError, "engines");
});

Deno.test("functions keep their identity through imports, exports and other modules' tables", () => {
  using sandbox = new Sandbox();
  const a = sandbox.instance(`(module (func (export "f") (result i32) i32.const 3))`);
  const b = sandbox.instance(
    `(module (import "a" "f" (func $f (result i32))) (export "g" (func $f)) (table (export "t") 1 funcref)
      (elem (i32.const 0) $f) (func (export "ref") (result funcref) (ref.func $f)))`,
    { a: a.exports },
  );
  const { g, t, ref } = b.exports;
  for (const same of [g, t.get(0), ref()]) assertStrictEquals(same, a.exports.f);
  const host = () => 7;
  const c = sandbox.instance(
    `(module (import "a" "f" (func $f (result i32))) (export "g" (func $f)) (export "h" (func $f)))`,
    { a: { f: host } },
  ).exports;
  assertStrictEquals(c.g, c.h);
  assertEquals(c.g(), 7);
});

Deno.test("calls between instances keep each one's own memory and globals", () => {
  using sandbox = new Sandbox();
  const a = sandbox.instance(`(module (memory 1) (data (i32.const 0) "A") (global $g (mut i32) (i32.const 0))
    (func (export "get") (param i32) (result i32) (global.set $g (i32.add (global.get $g) (i32.const 1)))
      (i32.add (i32.mul (global.get $g) (i32.const 1000)) (i32.load8_u (local.get 0)))))`);
  const b = sandbox.instance(
    `(module (import "a" "get" (func $get (param i32) (result i32))) (memory 1) (data (i32.const 0) "B")
      (global $g (mut i32) (i32.const 50))
      (func (export "f") (result i32) (local i32)
        (local.set 0 (i32.add (call $get (i32.const 0)) (i32.load8_u (i32.const 0))))
        (global.set $g (i32.add (global.get $g) (i32.const 1)))
        (i32.add (local.get 0) (i32.mul (i32.const 1000000) (global.get $g)))))`,
    { a: a.exports },
  );
  assertEquals([b.exports.f(), b.exports.f()], [51_001_131, 52_002_131]);
});

Deno.test("Linker defines host functions for every store, instances, and values; later ones replace earlier ones if they may", () => {
  using engine = new Engine();
  const linker = new Linker(engine);
  let calls = 0;
  linker.defineFunc("env", "tick", { parameters: [], results: ["i32"] }, () => ++calls)
    .define("env", "base", 40)
    .define("env", "twice", (n: number) => 2 * n);
  const module = new Module(
    engine,
    wat(`(module (import "env" "tick" (func $tick (result i32))) (import "env" "base" (global i32))
      (import "env" "twice" (func $twice (param i32) (result i32)))
      (func (export "f") (result i32) (i32.add (global.get 0) (call $twice (call $tick)))))`),
  );
  for (let i = 1; i < 4; i++) {
    using store = new Store(engine);
    assertEquals(linker.instantiate(store, module).exports.f(), 40 + 2 * i);
    assertStrictEquals(linker.get(store, "env", "tick"), linker.get(store, "env", "tick"));
  }
  linker.allowShadowing = true;
  linker.defineFunc("env", "tick", { parameters: [], results: ["i32"] }, () => 0);
  using store = new Store(engine);
  const instance = linker.instantiate(store, module);
  assertEquals(instance.exports.f(), 40);
  linker.defineInstance("lib", instance);
  const user = new Module(engine, wat(`(module (import "lib" "f" (func $f (result i32))) (export "g" (func $f)))`));
  assertStrictEquals(linker.instantiate(store, user).exports.g, instance.exports.f);
  assertEquals(linker.get(store, "no", "thing"), undefined);
  assertThrows(() => linker.defineFunc("a", "b", { parameters: ["x" as never], results: [] }, () => {}), TypeError);
  assertThrows(() => linker.defineFunc("a", "b", { parameters: [], results: [] }, 5 as never), TypeError);
});

Deno.test("imports are read once, by getters too, and proxies do as they like", () => {
  using sandbox = new Sandbox();
  const module = sandbox.module(
    `(module (import "m" "f" (func $f (result i32))) (func (export "f") (result i32) call $f))`,
  );
  let reads = 0;
  const imports = {
    get m() {
      reads++;
      return new Proxy({}, { get: () => () => 11 });
    },
  };
  assertEquals(new Instance(sandbox.store, module, imports as never).exports.f(), 11);
  assertEquals(reads, 1);
  for (const wrong of [null, 1, "x"]) {
    assertThrows(() => new Instance(sandbox.store, module, wrong as never), TypeError);
  }
  for (const wrong of [null, 1, "x"]) {
    assertThrows(() => new Instance(sandbox.store, module, { m: wrong } as never), TypeError);
  }
  const failing = {
    get m(): never {
      throw new SyntaxError("mine");
    },
  };
  assertThrows(() => new Instance(sandbox.store, module, failing), SyntaxError, "mine");
});

Deno.test("the start function runs once, and its trap or exception leaves earlier writes", () => {
  using sandbox = new Sandbox();
  const order: number[] = [];
  sandbox.instance(
    `(module (import "m" "f" (func $f (param i32))) (func $s (call $f (i32.const 1))) (start $s))`,
    { m: { f: (n: number) => void order.push(n) } },
  );
  sandbox.instance(`(module (import "m" "f" (func $f)) (start $f))`, { m: { f: () => void order.push(2) } });
  assertEquals(order, [1, 2]);
  const memory = new Memory(sandbox.store, { minimum: 1 });
  const trapping = sandbox.module(
    `(module (import "m" "memory" (memory 1)) (data (i32.const 3) "x") (func $s unreachable) (start $s))`,
  );
  assertThrows(() => new Instance(sandbox.store, trapping, { m: { memory } }), Trap, "unreachable");
  assertEquals(memory.view[3], 120);
});

Deno.test("a segment that does not fit traps, and leaves what was written before it (bulk memory)", () => {
  using sandbox = new Sandbox();
  const { store } = sandbox;
  const memory = new Memory(store, { minimum: 1 });
  const table = new Table(store, { element: "funcref", minimum: 3 });
  const data = sandbox.module(
    `(module (import "m" "memory" (memory 1)) (data (i32.const 0) "ab") (data (i32.const 65535) "cd") (data (i32.const 9) "e"))`,
  );
  assertThrows(() => new Instance(store, data, { m: { memory } }), Trap, "out of bounds memory access");
  assertEquals([memory.view[0], memory.view[65535], memory.view[9]], [97, 0, 0]);
  const elements = sandbox.module(`(module (import "m" "table" (table 3 funcref)) (import "m" "memory" (memory 1))
    (elem (i32.const 0) $f) (elem (i32.const 2) $f $f) (elem (i32.const 1) $f) (data (i32.const 20) "z")
    (func $f (result i32) i32.const 77))`);
  assertThrows(() => new Instance(store, elements, { m: { memory, table } }), Trap, "out of bounds table access");
  assertEquals([table.get(0)(), table.get(1), table.get(2), memory.view[20]], [77, null, null, 0]);
  assert(table.get(0)() === 77);
});
