/** Random modules: the IR of each, as translated and as optimised, interpreted, against V8. FUZZ_COUNT sets how many. */

import { assert, assertEquals } from "@std/assert";
import { F32, F64, I32, I64, optimize, OptimizeScratch, verifyFunc } from "../../../lib/ir/mod.ts";
import { decodeModule, validateModule, type ValType } from "../../../lib/wasm/mod.ts";
import { finishCall, fromFloat, IrTrap, toFloat, type Val } from "./ir_machine.ts";
import { RandomModule } from "./random_module.ts";
import { InstanceModel, MODEL_FEATURES, World } from "./vm_model.ts";

const MODULES = Number(Deno.env.get("FUZZ_COUNT") ?? 150);
const FIRST_SEED = Number(Deno.env.get("FUZZ_SEED") ?? 1);
const CALLS = 3;
const PASSES = new OptimizeScratch();

type JsValue = number | bigint;

/** Runs one module on both; returns whether a call trapped. */
function compare(seed: number, effort: "none" | "speed"): boolean {
  const random = new RandomModule(seed);
  const { bytes } = random;
  const module = decodeModule(bytes, MODEL_FEATURES);
  validateModule(module);
  const theirs = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as Record<string, unknown>;
  const world = new World({ bounds: seed % 2 === 0 ? "guard" : "explicit" });
  world.onFunc = (func) => {
    verifyFunc(func, `seed ${seed}`);
    if (effort === "none") return;
    optimize(func, PASSES, effort);
    verifyFunc(func, `seed ${seed} optimised`);
  };
  const ours = new InstanceModel(world, module, () => {
    throw new Error("no imports");
  });
  ours.translateAll();
  ours.start();

  const toJs = (type: ValType, value: Val): JsValue => type === F32 || type === F64 ? toFloat(type, value) : value;
  const callOurs = (name: string, types: readonly ValType[], args: readonly Val[]): JsValue[] | "trap" => {
    const extern = ours.exports.get(name)!;
    try {
      const results = finishCall(world.callables.get((extern as { funcRef: number }).funcRef)!([...args]));
      return results.map((result, i) => toJs(types[i], result));
    } catch (error) {
      if (error instanceof IrTrap) return "trap";
      throw error;
    }
  };
  const callTheirs = (name: string, args: readonly JsValue[]): JsValue[] | "trap" => {
    try {
      const result = (theirs[name] as (...args: readonly JsValue[]) => JsValue | JsValue[] | undefined)(...args);
      return result === undefined ? [] : Array.isArray(result) ? result : [result];
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) return "trap";
      throw error;
    }
  };

  let isTrapping = false;
  for (let call = 0; call < CALLS; call++) {
    random.functions.forEach(({ params, results }, index) => {
      const args = params.map((type): Val => {
        const bits = random.below(2) === 0 ? random.below(5) : random.below(2 ** 32) | 0;
        if (type === I64) return BigInt(bits);
        return type === F32 || type === F64 ? fromFloat(type, bits / 3) : bits;
      });
      (theirs.g0 as WebAssembly.Global).value = RandomModule.FUEL;
      world.space.set(I32, (ours.exports.get("g0") as { definition: number }).definition, RandomModule.FUEL);
      const mine = callOurs(`f${index}`, results, args);
      const other = callTheirs(`f${index}`, args.map((value, i) => toJs(params[i], value)));
      assertEquals(mine, other, `seed ${seed}, call ${call} of f${index}(${args.join()})`);
      if (mine === "trap") isTrapping = true;
    });
    RandomModule.GLOBAL_TYPES.forEach((type, index) => {
      const extern = ours.exports.get(`g${index}`) as { definition: number };
      const value = toJs(type, world.space.get(type, extern.definition));
      assertEquals(value, (theirs[`g${index}`] as WebAssembly.Global).value, `seed ${seed}, global ${index}`);
    });
    const memory = ours.exports.get("m") as { memory: { definition: number } };
    const bytesOf = new Uint8Array((theirs.m as WebAssembly.Memory).buffer);
    const mine = world.space.bytes(world.space.getU64(memory.memory.definition));
    assert(mine.every((byte, i) => byte === bytesOf[i]), `seed ${seed}: memory differs`);
  }
  return isTrapping;
}

for (const effort of ["none", "speed"] as const) {
  Deno.test(`IR does what V8 does on random modules, effort ${effort}`, () => {
    let trapping = 0;
    for (let seed = FIRST_SEED; seed < FIRST_SEED + MODULES; seed++) if (compare(seed, effort)) trapping++;
    // Neither all nor none: otherwise the generator tests one path only.
    assert(trapping > 0 && trapping < MODULES, `${trapping} of ${MODULES} modules trap`);
  });
}
