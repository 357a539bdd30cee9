/**
 * Functions beyond the first size of the compiler's reusable columns. `columns.x[begin()] = y` evaluates `columns.x` first, so a `begin`
 * that grows the columns makes the write go into the old ones: frames of handlers beyond 64, tail calls at a boundary of the code's columns.
 */

import { assert, assertEquals } from "@std/assert";
import { Engine, Instance, Module, Store } from "../../mod.ts";
import { CONFIGURATIONS } from "../configurations.ts";
import { wat } from "../wat.ts";

const repeat = (count: number, text: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => text(i)).join("\n");

for (const [name, config] of Object.entries(CONFIGURATIONS)) {
  for (const depth of [31, 32, 33, 63, 64, 65, 200]) {
    Deno.test(`${depth} nested try_tables, each with a call in it, hand on what only the outermost catches (${name})`, () => {
      const engine = new Engine({ ...config, checks: "on" });
      const bytes = wat(`(module
        (tag $t) (tag $other)
        (func $maybe (param $yes i32) (if (local.get $yes) (then (throw $t))))
        (func (export "f") (param $yes i32) (result i32)
          (block $caught
            (try_table (catch $t $caught)
              ${repeat(depth, () => "(block (try_table (catch $other 0) (call $maybe (i32.const 0))")}
              (call $maybe (local.get $yes))
              ${repeat(depth, () => "))")}
            )
            (return (i32.const 1)))
          (i32.const 2)))`);
      using store = new Store(engine);
      const f = new Instance(store, new Module(engine, bytes)).exports.f as (index: number) => unknown;
      assertEquals([f(0), f(1)], [1, 2]);
    });

    Deno.test(`${depth} nested legacy trys, each with a call in it, hand on what only the outermost catches (${name})`, () => {
      const engine = new Engine({ ...config, checks: "on" });
      const bytes = wat(`(module
        (tag $t) (tag $other)
        (func $maybe (param $yes i32) (if (local.get $yes) (then (throw $t))))
        (func (export "f") (param $yes i32) (result i32)
          (try (do
              ${repeat(depth, () => "(try (do (call $maybe (i32.const 0))")}
              (call $maybe (local.get $yes))
              ${repeat(depth, () => ") (catch $other))")}
              (return (i32.const 1)))
            (catch $t))
          (i32.const 2)))`);
      using store = new Store(engine);
      const f = new Instance(store, new Module(engine, bytes)).exports.f as (index: number) => unknown;
      assertEquals([f(0), f(1)], [1, 2]);
    });
  }

  Deno.test(`each of 3000 tail calls to imports in a function reaches its own (${name})`, () => {
    const engine = new Engine({ ...config, checks: "on" });
    const count = 3000;
    const callees = wat(`(module ${repeat(7, (i) => `(func (export "f${i}") (result i32) (i32.const ${i}))`)})`);
    const caller = wat(`(module
      ${repeat(7, (i) => `(import "m" "f${i}" (func $f${i} (result i32)))`)}
      (func (export "f") (param i32) (result i32)
        ${repeat(count, () => "block")}
        local.get 0
        br_table ${repeat(count, String)}
        ${repeat(count, (i) => `end return_call $f${i % 7}`)}))`);
    using store = new Store(engine);
    const m = new Instance(store, new Module(engine, callees)).exports;
    const f = new Instance(store, new Module(engine, caller), { m }).exports.f as (index: number) => unknown;
    for (let i = 0; i < count; i++) assertEquals(f(i), i % 7);
  });
}

Deno.test("handler tables of calls in nested bodies that catch one tag grow with the depth, not with its square", () => {
  const artifactBytes = (depth: number) => {
    const bytes = wat(`(module (tag $t) (func $g) (func (export "f")
      ${repeat(depth, () => "(block (try_table (catch $t 0) (call $g)")} ${repeat(depth, () => "))")}))`);
    return new Module(new Engine(), bytes).serialize().length;
  };
  const small = artifactBytes(250), large = artifactBytes(1000);
  assert(large < 6 * small, `${small} bytes for 250 bodies, ${large} for 1000`);
});

Deno.test("an empty list of clauses and the one behind it are two", () => {
  const engine = new Engine({ checks: "on" });
  const bytes = wat(`(module
    (tag $t)
    (func $maybe (param $yes i32) (if (local.get $yes) (then (throw $t))))
    (func (export "f") (param $yes i32) (result i32)
      (try (do (call $maybe (i32.const 0))))
      (try (do (call $maybe (local.get $yes))) (catch $t (return (i32.const 2))))
      (i32.const 1)))`);
  using store = new Store(engine);
  const f = new Instance(store, new Module(engine, bytes)).exports.f as (index: number) => unknown;
  assertEquals([f(0), f(1)], [1, 2]);
});
