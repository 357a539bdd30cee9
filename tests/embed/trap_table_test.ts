/**
 * What each trap gives: a guest that runs into it, and what the error then says of the instruction, with both kinds of bounds and at both efforts.
 *
 * The record is by the name of the trap, so a trap that is added and not shown here does not compile.
 */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  type EngineConfig,
  FEATURES,
  Func,
  type Imports,
  Trap,
  type TrapName,
  type TrapOperands,
  TRAPS,
} from "../../mod.ts";
import { Sandbox } from "./sandbox.ts";

/** A trap of an instruction. */
interface InstructionCase {
  /** Definitions beside the function that traps. */
  readonly fields?: string;
  /** The body of that function, whose parameters are `$i` and `$l`. */
  readonly body: string;
  /** What it is called with: what is a constant in the guest no machine code mentions. */
  readonly arguments?: readonly [i: number, l: bigint];
  /** The operands that are known; those left out are undefined. */
  readonly operands: Partial<TrapOperands>;
  /** Operands with explicit bounds, where they differ. */
  readonly explicit?: Partial<TrapOperands>;
  /** The number of frames, if not one. */
  readonly frames?: number;
}

/** Where a trap stems from: an instruction, the embedder's limits, a function of the host (components' builtins among them), or nowhere. */
type Case = InstructionCase | "embedder" | "host" | "never";

const REFS = `(type $f (func)) (type $s (struct (field i32))) (type $a (array (mut i32)))`;
const K = `(type $f (func)) (type $k (cont $f)) (tag $yield) (func $body) (func $suspends (suspend $yield))
  (elem declare func $body $suspends)`;
const DESCRIBED = `(rec (type $o (descriptor $d) (struct)) (type $d (describes $o) (struct)))`;

const CASES: Record<TrapName, Case> = {
  none: "never",
  internal_check: "never",
  unreachable: { body: "unreachable", operands: { instruction: "unreachable" } },
  memory_out_of_bounds: {
    fields: "(memory 0) (memory $m 1)",
    body: "(i64.store32 $m offset=2 (local.get $i) (local.get $l))",
    arguments: [65533, 0n],
    operands: {
      instruction: "i64.store32",
      memoryIndex: 1,
      accessBytes: 4,
      offset: 2,
      address: 65536,
      memoryBytes: 65536,
    },
  },
  table_out_of_bounds: {
    fields: "(table 0 funcref) (table $t 7 externref)",
    body: "(table.set $t (local.get $i) (ref.null extern))",
    arguments: [9, 0n],
    operands: { instruction: "table.set", tableIndex: 1, index: 9, tableElements: 7 },
  },
  indirect_call_out_of_bounds: {
    fields: "(table 3 funcref) (type $t (func (param f64)))",
    body: "(call_indirect (type $t) (f64.const 0) (local.get $i))",
    arguments: [3, 0n],
    operands: { instruction: "call_indirect", tableIndex: 0, index: 3, tableElements: 3, expectedType: "[f64] -> []" },
  },
  indirect_call_to_null: {
    fields: "(table 3 funcref) (type $t (func (param f64)))",
    body: "(call_indirect (type $t) (f64.const 0) (i32.const 1))",
    operands: { instruction: "call_indirect", tableIndex: 0, expectedType: "[f64] -> []" },
  },
  indirect_call_type_mismatch: {
    fields:
      "(table funcref (elem $g)) (type $t (func (param f64))) (func $g (result i32 i64) (i32.const 1) (i64.const 2))",
    body: "(call_indirect (type $t) (f64.const 0) (i32.const 0))",
    operands: {
      instruction: "call_indirect",
      tableIndex: 0,
      expectedType: "[f64] -> []",
      foundType: "[] -> [i32 i64]",
    },
  },
  integer_overflow: {
    body: "(drop (i64.trunc_f64_u (f64.const -1)))",
    operands: { instruction: "i64.trunc_f64_u" },
  },
  integer_divide_by_zero: {
    body: "(drop (i32.rem_u (i32.const 7) (i32.const 0)))",
    operands: { instruction: "i32.rem_u" },
  },
  invalid_conversion_to_integer: {
    body: "(drop (i32.trunc_f64_s (f64.const nan)))",
    operands: { instruction: "i32.trunc_f64_s" },
  },
  stack_overflow: { body: "(nop) (call $run (local.get $i) (local.get $l))", operands: {}, frames: 100 },
  null_reference: { body: "(drop (ref.as_non_null (ref.null extern)))", operands: { instruction: "ref.as_non_null" } },
  null_function_reference: {
    fields: REFS,
    body: "(call_ref $f (ref.null $f))",
    operands: { instruction: "call_ref", expectedType: "[] -> []" },
  },
  null_struct_reference: {
    fields: REFS,
    body: "(drop (struct.get $s 0 (ref.null $s)))",
    operands: { instruction: "struct.get" },
  },
  null_array_reference: {
    fields: REFS,
    body: "(drop (array.len (ref.null $a)))",
    operands: { instruction: "array.len" },
  },
  null_i31_reference: { body: "(drop (i31.get_s (ref.null i31)))", operands: { instruction: "i31.get_s" } },
  array_out_of_bounds: {
    fields: REFS,
    body: "(array.set $a (array.new_default $a (i32.const 4)) (local.get $i) (i32.const 0))",
    arguments: [6, 0n],
    operands: { instruction: "array.set", index: 6 },
  },
  cast_failure: {
    fields: REFS,
    body: "(drop (ref.cast (ref $s) (array.new_default $a (i32.const 4))))",
    operands: { instruction: "ref.cast", expectedType: "(ref 1)" },
  },
  null_descriptor_reference: {
    fields: DESCRIBED,
    body: "(drop (struct.new_desc $o (ref.null (exact $d))))",
    operands: { instruction: "struct.new_desc" },
  },
  descriptor_cast_failure: {
    fields: DESCRIBED,
    body: `(drop (ref.cast_desc_eq (ref (exact $o)) (struct.new_desc $o (struct.new $d)) (struct.new $d)))`,
    operands: { instruction: "ref.cast_desc_eq" },
  },
  gc_heap_exhausted: "embedder",
  interrupted: "embedder",
  out_of_fuel: "embedder",
  growth_failed: "embedder",
  unaligned_atomic: {
    fields: "(memory 1 1 shared)",
    body: "(drop (i32.atomic.load offset=1 (i32.const 4)))",
    operands: { instruction: "i32.atomic.load", memoryIndex: 0, accessBytes: 4, offset: 1 },
  },
  expected_shared_memory: {
    fields: "(memory 1)",
    body: "(drop (memory.atomic.wait32 (i32.const 4) (i32.const 0) (i64.const 0)))",
    operands: { instruction: "memory.atomic.wait32", memoryIndex: 0, accessBytes: 4, offset: 0 },
  },
  null_exception_reference: { body: "(throw_ref (ref.null exn))", operands: { instruction: "throw_ref" } },
  null_continuation_reference: {
    fields: K,
    body: "(resume $k (ref.null $k))",
    operands: { instruction: "resume" },
  },
  continuation_consumed: {
    fields: K,
    body:
      "(local $c (ref $k)) (local.set $c (cont.new $k (ref.func $body))) (resume $k (local.get $c)) (resume $k (local.get $c))",
    operands: { instruction: "resume" },
  },
  unhandled_tag: {
    fields: K,
    body: "(resume $k (cont.new $k (ref.func $suspends)))",
    operands: { instruction: "suspend" },
    frames: 2,
  },
  invalid_utf8: "host",
  invalid_utf16: "host",
  string_out_of_bounds: "host",
  unaligned_string: "host",
  overlapping_strings: "host",
  unknown_handle: "host",
  wrong_handle_type: "host",
  resource_lent: "host",
  resource_not_owned: "host",
  borrows_remain: "host",
  handle_table_full: "host",
  end_not_idle: "host",
  end_in_waitable_set: "host",
};

const ALL_FEATURES = FEATURES.map(([name]) => name);
const CONFIGURATIONS: readonly EngineConfig[] = (["guard", "explicit"] as const).flatMap((bounds) =>
  (["speed", "none"] as const).map((effort) => ({ bounds, effort, features: ALL_FEATURES }))
);

/** What a trap says, but for its places. */
function facts(trap: Trap): Partial<TrapOperands> {
  return Object.fromEntries(Object.entries(trap.operands ?? {}).filter(([, value]) => value !== undefined));
}

for (const [name, row] of Object.entries(CASES) as [TrapName, Case][]) {
  if (typeof row === "string") continue;
  Deno.test(`${name}: code, message, frames and operands`, () => {
    for (const configuration of CONFIGURATIONS) {
      using sandbox = new Sandbox(configuration);
      const { run } = sandbox.instance(
        `(module $m ${row.fields ?? ""} (func $run (export "run") (param $i i32) (param $l i64) ${row.body}))`,
      ).exports;
      const trap: Trap = assertThrows(() => run(...row.arguments ?? [0, 0n]), Trap);
      const where = JSON.stringify(configuration.bounds);
      assertEquals(trap.code, name, where);
      assertEquals(trap.message, TRAPS.find(([code]) => code === name)![1]);
      assertEquals(trap.frames.length, row.frames ?? 1, where);
      assertEquals(trap.frames.at(-1)!.functionName, "run");
      assert(!("cause" in trap));
      const expected = configuration.bounds === "explicit" ? row.explicit ?? row.operands : row.operands;
      assertEquals(facts(trap), expected, `${name}, ${where}, effort ${configuration.effort}`);
    }
  });
}

Deno.test("each trap can be a host function's, with its cause and the frames of who called it", () => {
  using sandbox = new Sandbox();
  let next: () => never;
  const { run } = sandbox.instance(
    `(module $m (import "host" "f" (func $f)) (func $inner (call $f)) (func $run (export "run") (call $inner)))`,
    { host: { f: () => next() } },
  ).exports;
  for (const name of Object.keys(CASES) as TrapName[]) {
    if (name === "none") continue;
    for (const cause of [new RangeError("why"), "a string", 0, null]) {
      next = () => {
        throw new Trap(name, { detail: "here", cause });
      };
      const trap: Trap = assertThrows(() => run(), Trap);
      assertEquals([trap.code, trap.cause, trap.operands], [name, cause, undefined]);
      assertStringIncludes(trap.message, ": here");
      assertEquals(trap.frames.map(({ functionName }) => functionName), ["inner", "run"]);
    }
  }
});

/** Traps by limits that the embedder has set: the frames say where the guest was. */
const EMBEDDER: { readonly [N in TrapName]?: (expected: (trap: Trap, instruction?: string) => void) => void } = {
  interrupted(expected) {
    using sandbox = new Sandbox({ interruption: true });
    const { run } = sandbox.instance(`(module $m (func $run (export "run") (loop $l (br $l))))`).exports;
    expected(assertThrows(() => Func.of(run)!.call([], { timeout: 5 }), Trap) as Trap);
  },
  out_of_fuel(expected) {
    using sandbox = new Sandbox({ fuel: true });
    const { run } = sandbox.instance(`(module $m (func $run (export "run") (loop $l (br $l))))`).exports;
    sandbox.store.fuel = 100;
    expected(assertThrows(() => run(), Trap) as Trap);
  },
  gc_heap_exhausted(expected) {
    using sandbox = new Sandbox({}, { limits: { gcHeapBytes: 1 << 20 } });
    const { run } = sandbox.instance(`(module $m (type $a (array i32))
      (func $run (export "run") (drop (array.new_default $a (i32.const 0x100000)))))`).exports;
    expected(assertThrows(() => run(), Trap) as Trap, "array.new_default");
  },
  growth_failed(expected) {
    using sandbox = new Sandbox({}, { limits: { memoryBytes: 1 << 20, trapOnGrowFailure: true } });
    const { run } = sandbox.instance(`(module $m (memory 1)
      (func $run (export "run") (drop (memory.grow (i32.const 100)))))`).exports;
    expected(assertThrows(() => run(), Trap) as Trap, "memory.grow");
  },
};

for (const [name, row] of Object.entries(CASES) as [TrapName, Case][]) {
  if (row !== "embedder") continue;
  Deno.test(`${name}: code and frames`, () => {
    let count = 0;
    EMBEDDER[name]!((trap, instruction) => {
      count++;
      assertEquals([trap.code, trap.frames.map(({ functionName }) => functionName)], [name, ["run"]]);
      assertEquals(trap.operands?.instruction, instruction);
    });
    assertEquals(count, 1);
  });
}

/** Depths from 0 to 10, in no order that the code knows of. */
const depthAt = (level: number) => (level * 7 + 3) % 11;

Deno.test("frames and causes pass any number of guests and hosts in turn, at every depth of each", () => {
  using sandbox = new Sandbox({ features: ALL_FEATURES });
  const LEVELS = 12;
  let thrown: RangeError;
  let ending: "trap" | "host error" | "host trap" = "trap";
  const enter: ((depth: number) => unknown)[] = [];
  const expected: string[] = [];
  for (let level = 0; level < LEVELS; level++) {
    const imports: Imports = {
      host: {
        next: () => {
          if (level + 1 < LEVELS) return void enter[level + 1](depthAt(level + 1));
          if (ending === "host error") throw thrown;
          if (ending === "host trap") throw new Trap("unreachable", { cause: thrown });
        },
      },
    };
    const { exports } = sandbox.instance(
      `(module $m${level} (import "host" "next" (func $next))
        (func $down (export "down") (param i32)
          (if (i32.eqz (local.get 0)) (then (call $next) (drop (i32.div_u (i32.const 1) (local.get 0))))
            (else (call $down (i32.sub (local.get 0) (i32.const 1)))))))`,
      imports,
    );
    enter.push((depth) => exports.down(depth));
    expected.unshift(...Array.from({ length: depthAt(level) + 1 }, () => `m${level}.down`));
  }
  for (let from = 0; from < LEVELS; from++) {
    const run = (): unknown => {
      try {
        enter[from](depthAt(from));
      } catch (error) {
        return error;
      }
      return undefined;
    };
    const wanted = expected.slice(0, expected.lastIndexOf(`m${from}.down`) + 1);
    for (ending of ["trap", "host error", "host trap"] as const) {
      // An error keeps the frames of its first journey.
      thrown = new RangeError("the host gave up");
      const error = run();
      const frames = error instanceof Trap ? error.frames : Trap.framesOf(error);
      assertEquals(frames.map(({ moduleName, functionName }) => `${moduleName}.${functionName}`), wanted, ending);
      if (ending === "host error") assertEquals(error, thrown);
      else {
        if (!(error instanceof Trap)) throw error;
        assertEquals(
          [error.code, error.cause],
          ending === "trap" ? ["integer_divide_by_zero", undefined] : ["unreachable", thrown],
        );
        assertEquals(error.operands?.instruction, ending === "trap" ? "i32.div_u" : undefined);
      }
    }
  }
});
