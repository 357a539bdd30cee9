/** Arrays at the edges: elements far from the start, vectors, lengths that fit no heap. */

import { assertEquals, assertThrows } from "@std/assert";
import { Engine, Instance, Module, Store, Trap } from "../../mod.ts";
import { wat } from "../wat.ts";

const LENGTH = 9000;
const SOURCE = `(module
  (type $longs (array (mut i64))) (type $vectors (array (mut v128))) (type $mixed (struct (field (mut v128)) (field i8)))
  (func (export "far") (result i64) (local $x (ref null $longs))
    (local.set $x (array.new_fixed $longs ${LENGTH} ${
  Array.from({ length: LENGTH }, (_, k) => `(i64.const ${k})`).join(" ")
}))
    (i64.add (array.get $longs (local.get $x) (i32.const ${
  LENGTH - 1
})) (array.get $longs (local.get $x) (i32.const 1))))
  (func (export "vector") (param i32) (result i64) (local $x (ref null $vectors)) (local $s (ref null $mixed))
    (local.set $x (array.new $vectors (v128.const i64x2 5 6) (local.get 0)))
    (array.fill $vectors (local.get $x) (i32.const 1) (v128.const i64x2 7 8) (i32.const 2))
    (local.set $s (struct.new $mixed (array.get $vectors (local.get $x) (i32.const 2)) (i32.const -1)))
    (i64.add
      (i64x2.extract_lane 1 (struct.get $mixed 0 (local.get $s)))
      (i64.extend_i32_u (struct.get_u $mixed 1 (local.get $s)))))
  (func (export "length") (param i32) (result i32) (array.len (array.new_default $longs (local.get 0)))))`;

type Exports = Record<string, (...args: number[]) => bigint | number>;

Deno.test("elements far from the start, vectors in objects and arrays of any size do what V8 does", () => {
  const bytes = wat(SOURCE);
  const expected = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as Exports;
  for (const config of [{}, { effort: "none" }, { stress: { gc: true, registers: 5, poison: true } }] as const) {
    using engine = new Engine({ checks: "on", ...config });
    using module = new Module(engine, bytes);
    using store = new Store(engine);
    const exports = new Instance(store, module).exports as unknown as Exports;
    assertEquals(exports.far(), expected.far());
    assertEquals(exports.vector(4), expected.vector(4));
    assertEquals((assertThrows(() => exports.vector(2), Trap) as Trap).code, "array_out_of_bounds");
    for (const length of [0, 1, 8189, 8190, 8191, 8192, 1_000_000]) assertEquals(exports.length(length), length);
    for (const length of [-1, 0x7fffffff, 300_000_000]) {
      assertEquals((assertThrows(() => exports.length(length), Trap) as Trap).code, "gc_heap_exhausted");
    }
  }
});
