/** Random modules: their machine code against V8. FUZZ_COUNT sets how many, FUZZ_SEED the first. */

import { assert, assertEquals } from "@std/assert";
import { F32, F64, I64 } from "../../../lib/ir/mod.ts";
import { COMPILED_FEATURES, decodeModule, validateModule, type ValType } from "../../../lib/wasm/mod.ts";
import { fromFloat, toFloat } from "../translate/ir_machine.ts";
import { RandomModule } from "../translate/random_module.ts";
import { BASELINE, CodeTrap, nativeFeatures, type Val } from "./machine.ts";
import { NativeInstance } from "./native_instance.ts";

const MODULES = Number(Deno.env.get("FUZZ_COUNT") ?? 150);
const FIRST_SEED = Number(Deno.env.get("FUZZ_SEED") ?? 1);
const CALLS = 3;
const FUEL = 200;

type JsValue = number | bigint;

/** Runs one module on both; returns whether a call trapped. */
function compare(seed: number): boolean {
  const random = new RandomModule(seed);
  const { bytes } = random;
  const module = decodeModule(bytes, COMPILED_FEATURES);
  validateModule(module);
  const theirs = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as Record<string, unknown>;
  const ours = new NativeInstance(
    module,
    { bounds: seed % 2 === 0 ? "guard" : "explicit" },
    seed % 3 === 0 ? BASELINE : nativeFeatures(),
  );
  const toJs = (type: ValType, value: Val): JsValue => type === F32 || type === F64 ? toFloat(type, value) : value;
  const callOurs = (index: number, types: readonly ValType[], args: readonly Val[]): JsValue[] | "trap" => {
    try {
      return ours.call(index, args).map((result, i) => toJs(types[i], result));
    } catch (error) {
      if (error instanceof CodeTrap) return "trap";
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
      // Each call ends by its own fuel: from zero it would count down 2^32 times.
      ours.setGlobal(0, FUEL);
      (theirs.g0 as WebAssembly.Global).value = FUEL;
      const mine = callOurs(index, results, args);
      const other = callTheirs(`f${index}`, args.map((value, i) => toJs(params[i], value)));
      assertEquals(mine, other, `seed ${seed}, call ${call} of f${index}(${args.join()})`);
      if (mine === "trap") isTrapping = true;
    });
    RandomModule.GLOBAL_TYPES.forEach((type, index) => {
      const value = toJs(type, ours.global(index));
      assertEquals(value, (theirs[`g${index}`] as WebAssembly.Global).value, `seed ${seed}, global ${index}`);
    });
    const bytesOf = new Uint8Array((theirs.m as WebAssembly.Memory).buffer);
    const mine = new Uint8Array(ours.memory!.buffer);
    assert(mine.every((byte, i) => byte === bytesOf[i]), `seed ${seed}: memory differs`);
  }
  ours.dispose();
  return isTrapping;
}

Deno.test("generated code does what V8 does on random modules", () => {
  let trapping = 0;
  for (let seed = FIRST_SEED; seed < FIRST_SEED + MODULES; seed++) if (compare(seed)) trapping++;
  assert(trapping > 0 && trapping < MODULES, `${trapping} of ${MODULES} modules trap`);
});
