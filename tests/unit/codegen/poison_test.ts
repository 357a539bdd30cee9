/** ZX-2: poisoned upper halves change no result, and a `uextend` that is elided without reason is found out. */

import { assertEquals, assertThrows } from "@std/assert";
import { InternalError } from "../../../lib/base/mod.ts";
import { ZEROES_UPPER } from "../../../lib/codegen/isel/selector.ts";
import { Ir } from "../../../lib/ir/mod.ts";
import { Engine, Instance, Module, Store } from "../../../mod.ts";
import { wat } from "../../wat.ts";

const SOURCE = wat(`(module (memory 1)
  (func $same (param i32) (result i32) (loop (result i32) (br_if 1 (local.get 0) (i32.ge_s (local.get 0) (i32.const 0))) ))
  (func (export "param") (param i32) (result i64) (i64.extend_i32_u (local.get 0)))
  (func (export "call") (param i32) (result i64) (i64.extend_i32_u (call $same (local.get 0))))
  (func (export "block") (param i32) (result i64) (local $i i32)
    (loop (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get 0))))
    (i64.extend_i32_u (if (result i32) (local.get 0) (then (local.get $i)) (else (local.get 0)))))
  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "sum") (param i32) (result i64)
    (i64.add (i64.extend_i32_u (i32.add (local.get 0) (i32.const 1))) (i64.extend_i32_u (i32.mul (local.get 0) (i32.const 3))))))`);

type Exports = Record<"param" | "call" | "block" | "load" | "sum", (value: number) => unknown>;

/** Calls `use` with the module's exports, compiled with all upper halves poisoned. */
function poisoned(use: (exports: Exports) => void): void {
  using engine = new Engine({ checks: "on", stress: { poison: true } });
  using store = new Store(engine);
  use(new Instance(store, new Module(engine, SOURCE)).exports as Exports);
}

/** As {@linkcode poisoned}, with a selector that takes the results of an operation for zero-extended. */
function deceived(op: number, use: (exports: Exports) => void): void {
  ZEROES_UPPER[op] = 1;
  try {
    poisoned(use);
  } finally {
    ZEROES_UPPER[op] = 0;
  }
}

Deno.test("poisoned upper halves change no result", () => {
  poisoned((exports) => {
    assertEquals(exports.param(-1), 0xffff_ffffn);
    assertEquals(exports.call(7), 7n);
    assertEquals(exports.block(5), 5n);
    assertEquals(exports.load(3), 0);
    assertEquals(exports.sum(-2), 0xffff_ffffn + 0xffff_fffan);
  });
});

Deno.test("an extension elided without reason is reported as the compiler's defect, and the store is closed", () => {
  const failing = (call: (exports: Exports) => unknown) => (exports: Exports) => {
    assertThrows(() => call(exports), InternalError, "BUG");
    assertThrows(() => exports.param(1), TypeError, "internal failure");
  };
  deceived(Ir.param, failing(({ param }) => param(1)));
  deceived(Ir.param, failing(({ load }) => load(1)));
  deceived(Ir.call, failing(({ call }) => call(1)));
  deceived(Ir.block_param, failing(({ block }) => block(1)));
});
