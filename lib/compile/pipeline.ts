/**
 * The pipeline: one function from WebAssembly to machine code, a named call a phase.
 *
 * A compiler keeps the storage of all phases and compiles any number of modules, one after the other: after the first functions, compiling
 * another one allocates next to nothing (benches/compile_bench.ts holds that).
 *
 * PIPE-1  A phase's result is read-only for the phases after it, and valid until the next function begins.
 * PIPE-2  With checks on, each transformation is followed by its independent checker.
 */

import { type CompiledModule, type CompileOptions, GUARD_RESERVATION_BYTES, shapeOf } from "../abi/mod.ts";
import { type CodegenOptions, formFeatures, ModuleEmitter } from "../codegen/mod.ts";
import { FuncBuilder, optimize, OptimizeScratch, verifyFunc } from "../ir/mod.ts";
import { TranslateEnvironment, translateFunction, Translator } from "../translate/mod.ts";
import { hasFeature, type Module, usedFeatures } from "../wasm/mod.ts";

/** Compiles modules, one after the other. */
export class Compiler {
  readonly #builder = new FuncBuilder();
  readonly #translator = new Translator();
  readonly #passes = new OptimizeScratch();
  #emitter: ModuleEmitter | undefined;

  /** Compiles a module that was validated and needs nothing that is not compiled. */
  compile(module: Module, options: CompileOptions): CompiledModule {
    const {
      bounds,
      cpuFeatures,
      effort,
      checks,
      onProgress,
      interruption = false,
      fuel = false,
      stress = 0,
      tables = "lazy",
      barrier = "cards",
    } = options;
    const { shape } = shapeOf(module);
    const environment = new TranslateEnvironment(module, shape, { bounds, interruption, fuel, tables, barrier });
    const { memories } = environment;
    const codegenOptions: CodegenOptions = {
      features: formFeatures(cpuFeatures),
      checks: checks ?? "off",
      directCalls: hasFeature(usedFeatures(module), "tail-call") ? "lose vmctx" : "keep vmctx",
      fuel: fuel ? "fuel" : "no fuel",
      stress,
      functionImportOffset: (index) => shape.functionImport(index),
      memoryDefinition: (index) =>
        memories.isIndirect[index] === 1 ? -1 - memories.offset[index] : memories.offset[index],
    };
    const emitter = this.#emitter ??= new ModuleEmitter(codegenOptions, environment.signatures);
    emitter.begin(codegenOptions, environment.signatures);
    const total = module.bodies.length;
    for (let index = 0; index < total; index++) {
      const func = translateFunction(environment, index, this.#builder, this.#translator); // wasm -> SSA, folded and numbered on the way
      if (checks === "on") verifyFunc(func);
      optimize(func, this.#passes, effort); // value numbering, redundant checks, invariants, dead code
      if (checks === "on") verifyFunc(func);
      emitter.compileFunction(func); // selection, allocation, emission
      onProgress?.(index + 1, total);
    }
    return {
      options: {
        bounds,
        cpuFeatures,
        interruption,
        fuel,
        stress,
        tables,
        barrier,
        features: usedFeatures(module),
        reservationBytes: bounds === "guard" ? GUARD_RESERVATION_BYTES : 0,
      },
      ...emitter.finish(environment.typeSig),
    };
  }
}
