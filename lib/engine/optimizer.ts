/**
 * The optional optimiser: binaryen over a module's bytes before they are compiled.
 *
 * Most modules come out of a toolchain that has run it already; for the others it inlines and simplifies across functions,
 * which the compiler here does not. It is a package of its own (15 MB), loaded only when somebody asks.
 */

import { CompileError, type FeatureName, featureNames, type FeatureSet, type Module } from "../wasm/mod.ts";

/** Rewrites a valid module into another one that does the same and uses no other features than those named. */
export type Optimizer = (bytes: Uint8Array, features: readonly FeatureName[]) => Uint8Array;

/** How much {@linkcode loadOptimizer}'s optimiser does. */
export interface OptimizerOptions {
  /** Effort for speed, from 0 to 4; 3 by default. */
  readonly level?: number;
  /** Effort for small size, from 0 to 2; 0 by default. */
  readonly shrink?: number;
}

/** The optimiser cannot be loaded, or does not know what a module uses. */
export class OptimizerError extends Error {
  /** `"OptimizerError"`. */
  override readonly name = "OptimizerError";
}

/** The part of binaryen's API that is used here. */
interface Binaryen {
  readonly Features: Readonly<Record<string, number>>;
  readBinary(bytes: Uint8Array, features: number): BinaryenModule;
  setDebugInfo(on: boolean): void;
  setOptimizeLevel(level: number): void;
  setShrinkLevel(level: number): void;
}

interface BinaryenModule {
  optimize(): void;
  emitBinary(): Uint8Array;
  dispose(): void;
}

// In a variable: a literal specifier is fetched (100 MB) on the first run even when it is never reached.
const BINARYEN = "npm:binaryen@132.0.0";

/** Binaryen's names of the features; those without one it does not know. */
const BINARYEN_FEATURES: Readonly<Record<FeatureName, readonly string[]>> = {
  mvp: [],
  "mutable-globals": ["MutableGlobals"],
  "sign-extension": ["SignExt"],
  "saturating-conversions": ["NontrappingFPToInt"],
  "multi-value": ["Multivalue"],
  "bulk-memory": ["BulkMemory", "BulkMemoryOpt"],
  "reference-types": ["ReferenceTypes", "CallIndirectOverlong"],
  simd: ["SIMD128"],
  "relaxed-simd": ["RelaxedSIMD"],
  "tail-call": ["TailCall"],
  "extended-const": ["ExtendedConst"],
  "multi-memory": ["MultiMemory"],
  memory64: ["Memory64"],
  "function-references": ["GC"],
  gc: ["GC"],
  exceptions: ["ExceptionHandling"],
  threads: ["Atomics"],
  "legacy-exceptions": ["ExceptionHandling"],
  "wide-arithmetic": ["WideArithmetic"],
  "custom-page-sizes": ["CustomPageSizes"],
  "custom-descriptors": [],
  "stack-switching": ["StackSwitching"],
};

/**
 * Loads binaryen as the optimiser of engines. Where it is not in Deno's cache it is downloaded, once.
 *
 * @example
 * ```ts ignore
 * import { Engine, loadOptimizer, Module } from "@theropod/theropod";
 *
 * using engine = new Engine({ optimizer: await loadOptimizer({ level: 3 }) });
 * const module = new Module(engine, await Deno.readFile("tool.wasm"));
 * ```
 *
 * @param options How much it does.
 * @returns What {@linkcode EngineConfig.optimizer} takes.
 * @throws {OptimizerError} if binaryen cannot be loaded.
 * @throws {RangeError} if a level is none.
 */
export async function loadOptimizer(options: OptimizerOptions = {}): Promise<Optimizer> {
  const { level = 3, shrink = 0 } = options;
  if (!(Number.isInteger(level) && level >= 0 && level <= 4)) throw new RangeError(`level is 0 to 4, not ${level}`);
  if (!(Number.isInteger(shrink) && shrink >= 0 && shrink <= 2)) {
    throw new RangeError(`shrink is 0 to 2, not ${shrink}`);
  }
  const binaryen = await loadBinaryen(BINARYEN);
  return (bytes, features) => optimize(binaryen, bytes, features, level, shrink);
}

/** Loads binaryen. @throws {OptimizerError} */
export async function loadBinaryen(specifier: string): Promise<Binaryen> {
  try {
    return (await import(specifier)).default;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw new OptimizerError(`the optimiser ${specifier} cannot be loaded: ${reason}`, { cause: error });
  }
}

function optimize(
  binaryen: Binaryen,
  bytes: Uint8Array,
  features: readonly FeatureName[],
  level: number,
  shrink: number,
): Uint8Array {
  let flags = 0;
  for (const name of features) for (const flag of BINARYEN_FEATURES[name]) flags |= binaryen.Features[flag] ?? 0;
  let module: BinaryenModule;
  try {
    module = binaryen.readBinary(bytes, flags);
  } catch {
    throw new OptimizerError("the optimiser does not know something that the module uses");
  }
  try {
    // Settings are global: they are made for each module, since another engine's may be there.
    binaryen.setDebugInfo(true); // Names for backtraces.
    binaryen.setOptimizeLevel(level);
    binaryen.setShrinkLevel(shrink);
    module.optimize();
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}

/** Runs an engine's optimiser on a module that was checked; `check` decodes and checks what it gave. */
export function runOptimizer(
  optimizer: Optimizer,
  module: Module,
  features: FeatureSet,
  check: (bytes: Uint8Array<ArrayBuffer>) => Module,
): Module {
  const bytes = optimizer(module.bytes.slice(), featureNames(features));
  if (!(bytes instanceof Uint8Array)) throw new TypeError("An optimizer gives a Uint8Array");
  try {
    return check(new Uint8Array(bytes));
  } catch (error) {
    if (error instanceof CompileError) throw new OptimizerError(`the optimiser made a bad module: ${error.message}`);
    throw error;
  }
}
