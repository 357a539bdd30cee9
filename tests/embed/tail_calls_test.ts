/** Tail calls: constant stack whatever the arguments need, across instances and through host functions; frames and contexts stay right. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Func, Trap } from "../../mod.ts";
import { Sandbox, v8Exports } from "./sandbox.ts";

const ROUNDS = 1_000_000;

/** Names `p0`, `p1` ... with types by turns, so that every class overflows its registers. */
function parameters(count: number): { readonly declared: string; readonly passed: string; readonly changed: string } {
  const types = ["i64", "f64", "i32", "f32"];
  const list = Array.from({ length: count }, (_, i) => types[i % 4]);
  return {
    declared: list.map((type, i) => `(param $p${i} ${type})`).join(" "),
    passed: list.map((_, i) => `(local.get $p${i})`).join(" "),
    changed: list.map((type, i) => `(${type}.add (local.get $p${i}) (${type}.const ${i + 1}))`).join(" "),
  };
}

for (const bounds of ["guard", "explicit"] as const) {
  Deno.test(`return_call runs in constant stack, with more and with fewer stack arguments than its function (${bounds})`, () => {
    using sandbox = new Sandbox({ bounds });
    const many = parameters(40);
    const some = parameters(19);
    const few = parameters(3);
    // Round and round: 41 parameters, 20, 4, 41 ... What was passed last comes back in registers and in return slots.
    const text = `(module
      (type $results (func (result i64 f64 i32 f32 i64 i32)))
      (func $many (export "many") (param $n i32) ${many.declared} (result i64 f64 i32 f32 i64 i32)
        (if (i32.eqz (local.get $n)) (then
          (return (local.get $p0) (local.get $p1) (local.get $p38) (local.get $p39) (local.get $p20) (local.get $n))))
        (return_call $some (i32.sub (local.get $n) (i32.const 1)) ${parameters(19).changed}))
      (func $some (export "some") (param $n i32) ${some.declared} (result i64 f64 i32 f32 i64 i32)
        (if (i32.eqz (local.get $n)) (then
          (return (local.get $p0) (local.get $p1) (local.get $p14) (local.get $p15) (local.get $p16) (local.get $n))))
        (return_call $few (i32.sub (local.get $n) (i32.const 1)) ${parameters(3).changed}))
      (func $few (export "few") (param $n i32) ${few.declared} (result i64 f64 i32 f32 i64 i32)
        (if (i32.eqz (local.get $n)) (then
          (return (local.get $p0) (local.get $p1) (local.get $p2) (f32.const 1.5) (i64.const -3) (local.get $n))))
        (return_call $many (i32.sub (local.get $n) (i32.const 1)) ${
      Array.from({ length: 40 }, (_, i) => {
        const type = ["i64", "f64", "i32", "f32"][i % 4];
        const source = ["(local.get $p0)", "(local.get $p1)", "(local.get $p2)", "(f32.const 0.25)"][i % 4];
        return `(${type}.add ${source} (${type}.const ${i}))`;
      }).join(" ")
    })))`;
    const ours = sandbox.instance(text).exports as Record<string, (...args: never[]) => unknown>;
    const theirs = v8Exports(text) as Record<string, (...args: never[]) => unknown>;
    for (const [name, count] of [["many", 40], ["some", 19], ["few", 3]] as const) {
      const args = Array.from({ length: count }, (_, i) => i % 4 === 0 ? BigInt(i * 3) : i * 0.5 + 1);
      for (const rounds of [0, 1, 2, 3, 4, 5, 6, 7, ROUNDS]) {
        const all = [rounds, ...args] as never[];
        assertEquals(ours[name](...all), theirs[name](...all), `${name} ${rounds}`);
      }
    }
  });

  Deno.test(`tail calls through tables, and between instances, keep every instance's own state (${bounds})`, () => {
    using sandbox = new Sandbox({ bounds });
    const table = `(table (import "shared" "table") 4 funcref)`;
    const shared = sandbox.instance(`(module (table (export "table") 4 funcref))`).exports;
    const side = (own: number, other: number, unit: number) =>
      `(module ${table} (type $t (func (param i32 i64 i64 i64 i64 i64 i64 i64) (result i64)))
        (global $sum (export "sum") (mut i64) (i64.const 0))
        (elem (i32.const ${own}) $step)
        (func $step (export "step") (type $t)
          (global.set $sum (i64.add (global.get $sum) (i64.const ${unit})))
          (if (i32.eqz (local.get 0)) (then (return (i64.add (local.get 7) (global.get $sum)))))
          (return_call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (local.get 1) (local.get 2) (local.get 3)
            (local.get 4) (local.get 5) (local.get 6) (i64.add (local.get 7) (i64.const 1)) (i32.const ${other})))
        (func (export "start") (param i32) (result i64)
          (local $before i64)
          (local.set $before (global.get $sum))
          ;; The call comes back from whichever instance was last: this one's globals must be in reach.
          (drop (call $step (local.get 0) (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 6) (i64.const 7)))
          (i64.sub (global.get $sum) (local.get $before))))`;
    const a = sandbox.instance(side(0, 1, 1), { shared }).exports as Record<string, (n: number) => bigint>;
    const b = sandbox.instance(side(1, 0, 1000), { shared }).exports as Record<string, (n: number) => bigint>;
    assertEquals(a.start(0), 1n);
    assertEquals(a.start(1), 1n);
    assertEquals(b.start(1), 1000n);
    assertEquals(a.start(ROUNDS), BigInt(ROUNDS / 2 + 1));
    assertEquals(b.start(ROUNDS + 1), BigInt(ROUNDS / 2 + 1) * 1000n);
  });

  Deno.test(`tail calls of host functions return to the caller, and host functions can call back (${bounds})`, () => {
    using sandbox = new Sandbox({ bounds });
    const seen: number[] = [];
    const results: Record<string, (n: number) => number> = {};
    const imports = {
      host: {
        note: new Func(sandbox.store, { parameters: ["i32"], results: ["i32"] } as const, (n) => {
          seen.push(n);
          return n % 5 === 0 ? n + results.inner(n + 1) : n * 2;
        }),
        many: new Func(
          sandbox.store,
          { parameters: Array(20).fill("i64"), results: ["i64", "i64", "i64"] } as never,
          ((...args: bigint[]) => [args[0], args[19], args.reduce((x, y) => x + y)]) as never,
        ),
      },
    };
    const { exports } = sandbox.instance(
      `(module
        (import "host" "note" (func $note (param i32) (result i32)))
        (import "host" "many" (func $many (param ${Array(20).fill("i64").join(" ")}) (result i64 i64 i64)))
        (global $g (mut i32) (i32.const 7))
        (func $tail (param i32) (result i32) (return_call $note (local.get 0)))
        (func (export "outer") (param i32) (result i32)
          (i32.add (call $tail (local.get 0)) (global.get $g)))
        (func (export "inner") (param i32) (result i32) (return_call $tail (local.get 0)))
        (func $all (param i64) (result i64 i64 i64) (return_call $many ${
        Array.from({ length: 20 }, (_, i) => `(i64.add (local.get 0) (i64.const ${i}))`).join(" ")
      }))
        (func (export "sum") (param i64) (result i64)
          (call $all (local.get 0)) (i64.add (i64.extend_i32_s (global.get $g))) (i64.add) (i64.add)))`,
      imports as never,
    );
    Object.assign(results, exports);
    const outer = exports.outer as (n: number) => number;
    assertEquals(outer(3), 6 + 7);
    assertEquals(outer(5), 5 + 12 + 7);
    assertEquals(seen, [3, 5, 6]);
    const sum = 20n * 100n + 190n;
    assertEquals((exports.sum as (n: bigint) => bigint)(100n), 100n + 119n + sum + 7n);
  });
}

Deno.test("frames of a trap are those that are still there: a tail call's function has given up its place", () => {
  using sandbox = new Sandbox();
  const { exports } = sandbox.instance(
    `(module
      (func $leaf (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))
      (func $gone (param i32) (result i32) (return_call $leaf (local.get 0)))
      (func $stays (export "run") (param i32) (result i32) (i32.add (call $gone (local.get 0)) (i32.const 1))))`,
  );
  const trap: Trap = assertThrows(() => (exports.run as (n: number) => number)(0), Trap);
  assertEquals(trap.frames.map(({ functionName }) => functionName), ["leaf", "stays"]);
});

Deno.test("a null, out of bounds or mistyped callee of return_call_indirect traps in the function that has it", () => {
  using sandbox = new Sandbox();
  const { exports } = sandbox.instance(
    `(module (type $v (func)) (type $i (func (param i32)))
      (table 3 funcref) (elem (i32.const 0) $f)
      (func $f (type $i))
      (func $tail (export "tail") (param i32) (return_call_indirect (type $v) (local.get 0))))`,
  );
  const codeOf = (index: number) => {
    const trap: Trap = assertThrows(() => (exports.tail as (n: number) => void)(index), Trap);
    assert(trap.frames[0].functionName === "tail");
    return trap.code;
  };
  assertEquals([0, 1, 3].map(codeOf), [
    "indirect_call_type_mismatch",
    "indirect_call_to_null",
    "indirect_call_out_of_bounds",
  ]);
});
