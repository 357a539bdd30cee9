import { assert, assertEquals, assertThrows } from "@std/assert";
import { Global } from "../../mod.ts";
import { Sandbox } from "./sandbox.ts";

Deno.test("globals of every type keep their values, for guest and JavaScript", () => {
  using sandbox = new Sandbox();
  const cases: [type: string, literal: string, value: unknown, next: unknown][] = [
    ["i32", "(i32.const -5)", -5, 2 ** 31 - 1],
    ["i64", "(i64.const -5)", -5n, 2n ** 62n],
    ["f32", "(f32.const 0.1)", Math.fround(0.1), -0],
    ["f64", "(f64.const nan)", NaN, 1e-300],
    ["externref", "(ref.null extern)", null, { a: 1 }],
    ["funcref", "(ref.null func)", null, null],
  ];
  for (const [type, literal, value, next] of cases) {
    const { g, get, set } = sandbox.instance(`(module (global (export "g") (mut ${type}) ${literal})
      (func (export "get") (result ${type}) (global.get 0))
      (func (export "set") (param ${type}) (global.set 0 (local.get 0))))`).exports;
    assert(Object.is(g.value, value) && Object.is(get(), value), type);
    g.value = next;
    assert(Object.is(get(), next), type);
    set(value);
    assert(Object.is(g.value, value), type);
    assertEquals(g.type, { valueType: type, mutability: "var" });
  }
});

Deno.test("Global refuses to set constants, and values that do not fit", () => {
  using sandbox = new Sandbox();
  const { store } = sandbox;
  const constant = new Global(store, { valueType: "i32" }, 1.9);
  assertEquals(constant.value, 1);
  assertThrows(() => constant.value = 2, TypeError, "constant");
  assertThrows(() => new Global(store, { valueType: "i64" }, 1), TypeError);
  assertThrows(() => new Global(store, { valueType: "i31" as never }), TypeError);
  assertThrows(() => new Global(store, { valueType: "i32", mutability: "maybe" as never }), TypeError);
  assertEquals(new Global(store, { valueType: "externref" }).value, undefined);
  assertEquals(new Global(store, { valueType: "i64" }).value, 0n);
});

Deno.test("constant expressions read imported globals and add", () => {
  using sandbox = new Sandbox();
  const { a, b, memory } = sandbox.instance(
    `(module (import "m" "i" (global $i i32)) (import "m" "l" (global $l i64))
      (global (export "a") i32 (i32.add (global.get $i) (i32.const 2)))
      (global (export "b") i64 (i64.mul (global.get $l) (i64.const -3)))
      (memory (export "memory") 1) (data (i32.sub (global.get $i) (i32.const 1)) "x"))`,
    { m: { i: 8, l: 7n } },
  ).exports;
  assertEquals([a.value, b.value, memory.view[7]], [10, -21n, 120]);
});

Deno.test("instances share an imported mutable global", () => {
  using sandbox = new Sandbox();
  const g = new Global(sandbox.store, { valueType: "i32", mutability: "var" }, 1);
  const text = `(module (import "m" "g" (global $g (mut i32)))
    (func (export "add") (global.set $g (i32.add (global.get $g) (i32.const 1)))))`;
  const [a, b] = [1, 2].map(() => sandbox.instance(text, { m: { g } }).exports);
  a.add();
  b.add();
  assertEquals(g.value, 3);
});
