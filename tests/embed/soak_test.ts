/** Everything mixed, many times: calls, host calls, nesting, all kinds of traps, growth, exceptions; every result is checked. */

import { assertEquals } from "@std/assert";
import { type Instance, Trap, type TrapName } from "../../mod.ts";
import { Sandbox } from "./sandbox.ts";

const SOURCE = `(module (import "env" "host" (func $host (param i32) (result i32)))
  (memory (export "memory") 1) (table (export "table") 3 funcref) (elem (i32.const 0) $inc $dec)
  (type $t (func (param i32) (result i32)))
  (func $inc (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
  (func $dec (param i32) (result i32) (i32.sub (local.get 0) (i32.const 1)))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "load") (param i32) (result i64) (i64.load (local.get 0)))
  (func (export "store") (param i32 i64) (i64.store (local.get 0) (local.get 1)))
  (func (export "div") (param i32 i32) (result i32) (i32.div_u (local.get 0) (local.get 1)))
  (func (export "unreachable") unreachable)
  (func $down (export "down") (param i32) (result i32) (if (result i32) (local.get 0)
    (then (i32.add (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1))))) (else (i32.const 0))))
  (func (export "viaHost") (param i32) (result i32) (i32.add (i32.const 1) (call $host (local.get 0))))
  (func (export "indirect") (param i32 i32) (result i32) (call_indirect (type $t) (local.get 1) (local.get 0)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))`;

for (const bounds of ["guard", "explicit"] as const) {
  Deno.test(`mixed operations are all right (${bounds} bounds)`, () => {
    using sandbox = new Sandbox({ bounds });
    const traps = (call: () => unknown): TrapName | "none" => {
      try {
        call();
        return "none";
      } catch (error) {
        if (error instanceof Trap) return error.code;
        throw error;
      }
    };
    const instance: Instance = sandbox.instance(SOURCE, {
      env: {
        host: (n: number) => {
          if (n === 13) throw new EvalError("thirteen");
          if (n % 7 !== 0 || n === 0) return n;
          assertEquals(traps(() => instance.exports.unreachable()), "unreachable");
          return instance.exports.viaHost(n - 7);
        },
      },
    });
    const { add, load, store, div, unreachable, down, viaHost, indirect, grow, table } = instance.exports;
    const operations: ((i: number) => void)[] = [
      (i) => assertEquals(add(i, 1), i + 1),
      () => assertEquals(traps(() => load(-1)), "memory_out_of_bounds"),
      (i) => assertEquals(traps(() => div(i, 0)), "integer_divide_by_zero"),
      () => assertEquals(traps(() => unreachable()), "unreachable"),
      (i) => i % 50 === 4 ? assertEquals(traps(() => down(-1)), "stack_overflow") : assertEquals(down(50), 50),
      () => assertEquals(viaHost(5), 6),
      (i) => assertEquals(viaHost(7 * (i % 9)), i % 9 + 1),
      (i) => {
        store(i & 0xfff8, BigInt(i));
        assertEquals(load(i & 0xfff8), BigInt(i));
      },
      (i) => assertEquals(indirect(i & 1, 5), i & 1 ? 4 : 6),
      () => assertEquals(traps(() => indirect(2, 5)), "indirect_call_to_null"),
      () => {
        try {
          viaHost(13);
        } catch (error) {
          assertEquals((error as Error).message, "thirteen");
          return;
        }
        throw new Error("the host function's exception was lost");
      },
      (i) => i % 1000 === 11 && assertEquals(typeof grow(1), "number"),
      (i) => assertEquals(table.get(i & 1)(1), i & 1 ? 0 : 2),
    ];
    for (let i = 0; i < 26_000; i++) operations[i % operations.length](i);
    assertEquals(add(1, 1), 2);
  });
}
