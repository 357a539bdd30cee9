import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { Trap, type TrapName, WasmError } from "../../mod.ts";
import { Sandbox } from "./sandbox.ts";

const TRAPPING = `(module $m
  (memory 1) (table 2 funcref) (elem (i32.const 0) $v) (type $v (func)) (type $i (func (result i32)))
  (func $v)
  (func (export "unreachable") unreachable)
  (func (export "memory_out_of_bounds") (drop (i64.load (i32.const 65529))))
  (func (export "table_out_of_bounds") (drop (table.get (i32.const 2))))
  (func (export "indirect_call_out_of_bounds") (call_indirect (type $v) (i32.const 2)))
  (func (export "indirect_call_to_null") (call_indirect (type $v) (i32.const 1)))
  (func (export "indirect_call_type_mismatch") (drop (call_indirect (type $i) (i32.const 0))))
  (func (export "integer_overflow") (drop (i32.div_s (i32.const 0x80000000) (i32.const -1))))
  (func (export "integer_divide_by_zero") (drop (i64.rem_u (i64.const 1) (i64.const 0))))
  (func (export "invalid_conversion_to_integer") (drop (i32.trunc_f32_s (f32.const nan))))
  (func $stack_overflow (export "stack_overflow") (call $stack_overflow))
  (func (export "fine") (result i32) i32.const 1))`;

const TRAP_NAMES: TrapName[] = [
  "unreachable",
  "memory_out_of_bounds",
  "table_out_of_bounds",
  "indirect_call_out_of_bounds",
  "indirect_call_to_null",
  "indirect_call_type_mismatch",
  "integer_overflow",
  "integer_divide_by_zero",
  "invalid_conversion_to_integer",
  "stack_overflow",
];

for (const bounds of ["guard", "explicit"] as const) {
  Deno.test(`every trap has its code and frame, and the instance goes on (${bounds} bounds)`, () => {
    using sandbox = new Sandbox({ bounds });
    const { exports } = sandbox.instance(TRAPPING);
    for (let round = 0; round < 20; round++) {
      for (const name of TRAP_NAMES) {
        const trap: Trap = assertThrows(() => exports[name](), Trap);
        assertEquals(trap.code, name);
        assert(trap instanceof WasmError && trap instanceof Error);
        assertEquals(trap.name, "Trap");
        assertEquals(trap.frames[0].functionName, name);
        assertEquals(trap.frames[0].moduleName, "m");
        assertEquals(exports.fine(), 1);
      }
    }
  });
}

Deno.test("trap frames name functions, indices and offsets of the instructions, innermost first", () => {
  using sandbox = new Sandbox();
  const module = sandbox.module(`(module $names
    (import "m" "host" (func $host))
    (func $inner (param i32) (local i64) (if (local.get 0) (then unreachable)))
    (func $middle (param i32) (nop) (call $inner (local.get 0)) (nop))
    (func (export "outer") (param i32) (call $middle (local.get 0)) (call $host)))`);
  const { outer } = sandbox.instance(
    `(module $names
    (import "m" "host" (func $host))
    (func $inner (param i32) (local i64) (if (local.get 0) (then unreachable)))
    (func $middle (param i32) (nop) (call $inner (local.get 0)) (nop))
    (func (export "outer") (param i32) (call $middle (local.get 0)) (call $host)))`,
    { m: { host: () => {} } },
  ).exports;
  const trap: Trap = assertThrows(() => outer(1), Trap);
  assertEquals(
    trap.frames.map(({ functionName, functionIndex, moduleName }) => [functionName, functionIndex, moduleName]),
    [["inner", 1, "names"], ["middle", 2, "names"], ["outer", 3, "names"]],
  );
  const { bytes, bodies } = module.wasm;
  const opcodes = trap.frames.map(({ wasmOffset }) => bytes[wasmOffset]);
  assertEquals(opcodes, [0x00, 0x10, 0x10]);
  trap.frames.forEach(({ wasmOffset, functionIndex }) => {
    const { start, end } = bodies[functionIndex - 1];
    assert(wasmOffset >= start && wasmOffset < end);
  });
  assertStrictEquals(trap.frames, trap.frames);
});

Deno.test("a trap of another instance's function shows the frames of both", () => {
  using sandbox = new Sandbox();
  const a = sandbox.instance(
    `(module $a (func (export "f") (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0))))`,
  );
  const b = sandbox.instance(
    `(module $b (import "a" "f" (func $f (param i32) (result i32)))
      (func (export "g") (param i32) (result i32) (i32.add (call $f (local.get 0)) (call $f (i32.const 1)))))`,
    { a: a.exports },
  );
  assertEquals(b.exports.g(1), 2);
  const trap: Trap = assertThrows(() => b.exports.g(0), Trap);
  assertEquals(trap.frames.map(({ moduleName, functionName }) => [moduleName, functionName]), [["a", "f"], ["b", "g"]]);
  assertEquals(b.exports.g(1), 2);
});

Deno.test("traps in runtime calls have frames, too", () => {
  using sandbox = new Sandbox();
  const { exports } = sandbox.instance(`(module (memory 1) (table 1 funcref) (data "abc") (elem func)
    (func (export "fill") (memory.fill (i32.const 65536) (i32.const 0) (i32.const 1)))
    (func (export "copy") (memory.copy (i32.const 0) (i32.const 1) (i32.const 65536)))
    (func (export "init") (memory.init 0 (i32.const 0) (i32.const 1) (i32.const 3)))
    (func (export "tfill") (table.fill (i32.const 1) (ref.null func) (i32.const 1)))
    (func (export "tinit") (table.init 0 (i32.const 0) (i32.const 0) (i32.const 1)))
    (func (export "tcopy") (table.copy (i32.const 0) (i32.const 0) (i32.const -1))))`);
  for (const name of ["fill", "copy", "init"]) {
    const trap: Trap = assertThrows(() => exports[name](), Trap, "out of bounds memory access");
    assertEquals(trap.frames.map(({ functionName }) => functionName), [name]);
  }
  for (const name of ["tfill", "tinit", "tcopy"]) {
    const trap: Trap = assertThrows(() => exports[name](), Trap, "out of bounds table access");
    assertEquals(trap.frames.map(({ functionName }) => functionName), [name]);
  }
});

Deno.test("stack overflow is caught at any depth, a hundred times, and keeps the innermost hundred frames", () => {
  using sandbox = new Sandbox();
  const { down, mutual } = sandbox.instance(`(module
    (func $down (export "down") (param i32 i64 f64) (result i32)
      (i32.add (i32.const 1) (call $down (local.get 0) (local.get 1) (local.get 2))))
    (func $mutual (export "mutual") (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64)
      (i64.add (local.get 9) (call $other (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4)
        (local.get 5) (local.get 6) (local.get 7) (local.get 8) (local.get 9))))
    (func $other (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64)
      (i64.sub (local.get 0) (call $mutual (local.get 1) (local.get 0) (local.get 2) (local.get 3) (local.get 4)
        (local.get 5) (local.get 6) (local.get 7) (local.get 8) (local.get 9)))))`).exports;
  for (let i = 0; i < 100; i++) {
    const trap: Trap = assertThrows(() => down(1, 2n, 3), Trap, "call stack exhausted");
    assertEquals(trap.frames.length, 100);
    assertThrows(() => mutual(...new Array(10).fill(1n)), Trap, "call stack exhausted");
  }
});

Deno.test("a trap leaves what the guest did before it", () => {
  using sandbox = new Sandbox();
  const { f, g, memory } =
    sandbox.instance(`(module (memory (export "memory") 1) (global (export "g") (mut i32) (i32.const 0))
    (func (export "f") (i32.store (i32.const 0) (i32.const 7)) (global.set 0 (i32.const 9)) unreachable))`).exports;
  assertThrows(() => f(), Trap);
  assertEquals([g.value, memory.view[0]], [9, 7]);
});

Deno.test("a trap of one's own can be thrown by host functions", () => {
  using sandbox = new Sandbox();
  const { f } = sandbox.instance(`(module (import "m" "f" (func $f)) (func (export "f") (call $f)))`, {
    m: {
      f: () => {
        throw new Trap("unreachable");
      },
    },
  }).exports;
  const trap: Trap = assertThrows(() => f(), Trap);
  assertEquals([trap.code, trap.operands], ["unreachable", undefined]);
  assertEquals(trap.frames.map(({ functionName }) => functionName), ["f"]);
  assertStrictEquals(trap.frames, trap.frames);
});
