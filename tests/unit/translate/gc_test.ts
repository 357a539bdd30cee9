import { assert, assertEquals } from "@std/assert";
import { Libcall, shapeOf, TrapCode } from "../../../lib/abi/mod.ts";
import {
  type Func,
  FuncBuilder,
  Ir,
  isCall,
  isStore,
  memRegion,
  memTrap,
  optimize,
  OptimizeScratch,
  Region,
  verifyFunc,
} from "../../../lib/ir/mod.ts";
import { TranslateEnvironment, translateFunction, Translator } from "../../../lib/translate/mod.ts";
import { COMPILED_FEATURES, decodeModule, validateModule } from "../../../lib/wasm/mod.ts";
import { generateGcProgram } from "../../fuzz/generators/gc_program.ts";
import { Random } from "../../fuzz/generators/random.ts";
import { wat } from "../../wat.ts";

/** Calls `see` with each function of a module, verified, after translation and after the passes. */
function eachFunc(text: string, see: (func: Func, stage: "translated" | "optimized") => void): void {
  const module = decodeModule(wat(text), COMPILED_FEATURES);
  validateModule(module);
  const environment = new TranslateEnvironment(module, shapeOf(module).shape, { bounds: "guard" });
  const builder = new FuncBuilder(), scratch = new Translator(), passes = new OptimizeScratch();
  for (let index = 0; index < module.bodies.length; index++) {
    const func = translateFunction(environment, index, builder, scratch);
    verifyFunc(func, "translation");
    see(func, "translated");
    optimize(func, passes, "speed");
    verifyFunc(func, "the passes");
    see(func, "optimized");
  }
}

/** The instructions of a function, block by block. */
function blocks(func: Func): number[][] {
  return Array.from(
    { length: func.blockCount },
    (_, block) => [...func.order.subarray(func.blockStart[block], func.blockEnd[block])],
  );
}

/** How many instructions fulfil a condition. */
function count(func: Func, accepts: (value: number) => boolean): number {
  return blocks(func).flat().filter(accepts).length;
}

Deno.test("random programs over objects translate to IR that verifies, and allocate without a call before the object is whole", () => {
  let allocations = 0;
  for (let seed = 1; seed <= 30; seed++) {
    eachFunc(generateGcProgram(new Random(seed)), (func) => {
      for (const block of blocks(func)) {
        const taken = block.findIndex((v) => isStore(func.op[v]) && memRegion(func.aux[v]) === Region.allocation);
        if (taken < 0) continue;
        allocations++;
        // The block that takes the memory stores the type word, and for arrays the length, and ends; the fields come first thing behind it.
        const rest = block.slice(taken + 1);
        assert(!rest.some((v) => isCall(func.op[v])), `seed ${seed}`);
        assert(rest.some((v) => isStore(func.op[v]) && memRegion(func.aux[v]) === Region.heap && func.imm[v] === 0));
      }
    });
  }
  assert(allocations > 500);
});

Deno.test("a field access compares nothing: its fault is the null check", () => {
  eachFunc(
    `(module (type $s (struct (field (mut i32)) (field i64)))
      (func (param (ref null $s)) (result i32) (struct.set $s 0 (local.get 0) (i32.const 5)) (struct.get $s 0 (local.get 0)))
      (func (param (ref null $s)) (result i64) (struct.get $s 1 (local.get 0))))`,
    (func) => {
      assertEquals(count(func, (v) => func.op[v] === Ir.trap_if || func.op[v] === Ir.trap_unless), 0);
      assertEquals(
        count(func, (v) => memTrap(func.aux[v]) === TrapCode.null_struct_reference && func.op[v] !== Ir.iconst) > 0,
        true,
      );
    },
  );
});

Deno.test("a cast that an earlier one implies costs nothing, a length in a loop is loaded once", () => {
  eachFunc(
    `(module (type $s (sub final (struct (field i32)))) (type $a (array (mut i32)))
      (func (param anyref) (result i32)
        (i32.add (struct.get $s 0 (ref.cast (ref $s) (local.get 0))) (struct.get $s 0 (ref.cast (ref $s) (local.get 0))))))`,
    (func, stage) => {
      if (stage === "translated") return;
      assertEquals(count(func, (v) => memTrap(func.aux[v]) === TrapCode.cast_failure && func.op[v] === Ir.load), 1);
      assertEquals(count(func, (v) => func.op[v] === Ir.trap_if || func.op[v] === Ir.trap_unless), 2);
    },
  );
  eachFunc(
    `(module (type $a (array (mut i32)))
      (func (param (ref $a)) (result i32) (local $i i32) (local $sum i32)
        (loop $next
          (if (i32.lt_u (local.get $i) (array.len (local.get 0))) (then
            (local.set $sum (i32.add (local.get $sum) (array.get $a (local.get 0) (local.get $i))))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br $next))))
        (local.get $sum)))`,
    (func, stage) => {
      if (stage === "translated") return;
      const isLength = (v: number) => func.op[v] === Ir.load && memTrap(func.aux[v]) === TrapCode.null_array_reference;
      assertEquals(count(func, isLength), 1);
      // The loop's own condition says that the index is in bounds.
      assertEquals(count(func, (v) => func.op[v] === Ir.trap_if || func.op[v] === Ir.trap_unless), 0);
    },
  );
});

Deno.test("a type deeper than displays reach is asked of the runtime", () => {
  const chain = Array.from({ length: 20 }, (_, k) => `(type $t${k} (sub ${k > 0 ? `$t${k - 1}` : ""} (struct)))`);
  for (let depth = 0; depth < 20; depth++) {
    eachFunc(
      `(module ${chain.join("\n")} (func (param anyref) (result i32) (ref.test (ref $t${depth}) (local.get 0))))`,
      (func) => {
        const asks = count(func, (v) => func.op[v] === Ir.libcall && func.imm[v] === Libcall.type_is_subtype);
        assertEquals(asks, depth < 14 ? 0 : 1);
      },
    );
  }
});
