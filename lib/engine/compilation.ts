/** From bytes to modules that are checked and compiled, by the configuration of an engine. */

import {
  codeMisfit,
  type CodeOptions,
  type CompiledModule,
  GC_MAX_OFFSET_BYTES,
  GUARD_RESERVATION_BYTES,
  stressWord,
  structTooLarge,
} from "../abi/mod.ts";
import { NONE } from "../base/mod.ts";
import {
  ArtifactError,
  type ArtifactIntegrity,
  BARRIER_OF_COLLECTOR,
  decodeArtifact,
  machineCpuFeatures,
  moduleCompiler,
  requireFit,
  type Signature,
  type ThunkCompiler,
  VALUE_KINDS,
  type ValueKindName,
} from "../runtime/mod.ts";
import {
  ALL_FEATURES,
  CompileError,
  decodeModule,
  DEFAULT_FEATURES,
  type FeatureSet,
  type Module,
  requiredFeature,
  validateDefinitions,
  validateModule,
  WasmError,
} from "../wasm/mod.ts";
import type { ResolvedConfig } from "./config.ts";
import { runOptimizer } from "./optimizer.ts";

/** Called while a module is compiled: how many of its functions are done. */
export type ProgressListener = (done: number, total: number) => void;

/** What is decoded: more than is compiled, so that a refusal names the feature. */
function knownFeatures({ features }: ResolvedConfig): FeatureSet {
  return (DEFAULT_FEATURES | features) as FeatureSet;
}

/** Decodes and validates bytes. @throws {CompileError} also for a module that uses a feature the configuration lacks. */
export function decodeChecked(bytes: Uint8Array, config: ResolvedConfig): Module {
  const module = decodeModule(bytes, knownFeatures(config));
  validateModule(module);
  const feature = requiredFeature(module, config.features);
  if (feature !== undefined) {
    throw new CompileError(`the module uses the feature ${feature}, which this engine does not compile`, 0);
  }
  requireSmallObjects(module);
  return module;
}

/** As {@linkcode decodeChecked}, then the engine's optimiser if it has one. @throws {OptimizerError} if that fails. */
export function decodeOptimized(bytes: Uint8Array, config: ResolvedConfig): Module {
  const module = decodeChecked(bytes, config);
  const { optimizer, features } = config;
  if (optimizer === undefined) return module;
  return runOptimizer(optimizer, module, features, (result) => decodeChecked(result, config));
}

/** Objects with fields beyond what code can address (GC-1) are refused. @throws {CompileError} */
function requireSmallObjects({ types, offsets }: Module): void {
  const index = structTooLarge(types);
  if (index === NONE) return;
  throw new CompileError(
    `an object of type ${index} would have more than ${GC_MAX_OFFSET_BYTES} bytes`,
    offsets.types[index],
  );
}

/** The options that an engine's code is made with, and what is there to run it. */
export function codeOptions(
  { bounds, interruption, fuel, stress, tables, features, collector }: ResolvedConfig,
): CodeOptions {
  return {
    bounds,
    reservationBytes: bounds === "guard" ? GUARD_RESERVATION_BYTES : 0,
    interruption,
    fuel,
    tables,
    barrier: BARRIER_OF_COLLECTOR[collector],
    stress: stressWord(stress),
    features,
    cpuFeatures: machineCpuFeatures(),
  };
}

/**
 * Decodes and checks an artifact for an engine. Bodies of functions are not validated again: nothing is made of them any more, the code itself
 * has to be trusted, and validating would take most of the time that loading takes.
 *
 * @throws {ArtifactError} if it is damaged, or does not fit the engine or this machine.
 */
export function decodeCompiled(
  bytes: Uint8Array,
  integrity: ArtifactIntegrity,
  config: ResolvedConfig,
): { readonly module: Module; readonly compiled: CompiledModule } {
  const { compiled, moduleBytes } = decodeArtifact(bytes, integrity);
  const misfit = codeMisfit(compiled.options, codeOptions(config));
  if (misfit !== undefined) throw new ArtifactError(`${misfit}; compile it again`);
  try {
    const module = decodeModule(moduleBytes, knownFeatures(config));
    validateDefinitions(module);
    requireSmallObjects(module);
    requireFit(module, compiled);
    return { module, compiled };
  } catch (error) {
    if (!(error instanceof WasmError)) throw error;
    throw new ArtifactError(`the module in the compiled module is damaged: ${error.message}; compile it again`);
  }
}

/** Compiles a module that was checked. */
export function compileChecked(
  module: Module,
  config: ResolvedConfig,
  onProgress: ProgressListener | undefined,
): CompiledModule {
  const { effort, checks } = config;
  return moduleCompiler().compileModule(module, {
    ...codeOptions(config),
    effort,
    checks,
    ...(onProgress === undefined ? {} : { onProgress }),
  });
}

/** The ELF file of a compiled module. */
export function encodeCompiled(module: Module, compiled: CompiledModule): Uint8Array<ArrayBuffer> {
  return moduleCompiler().encodeArtifact(module, compiled);
}

/** Codes of the value types in the binary format (spec: binary-valtype). */
const TYPE_CODES: Record<ValueKindName, number> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
  func: 0x70,
  extern: 0x6f,
  any: 0x6e,
  exn: 0x69,
  cont: 0x68,
};

/** Compiles a module that has one function type and nothing else: its thunks serve every function type of the same value kinds. */
export const compileThunks: ThunkCompiler = ({ params, results }: Signature) => {
  const codes = (
    kinds: Uint8Array,
  ) => [...leb(kinds.length), ...Array.from(kinds, (kind) => TYPE_CODES[VALUE_KINDS[kind]])];
  const type = [1, 0x60, ...codes(params), ...codes(results)];
  const bytes = Uint8Array.from([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, ...leb(type.length), ...type]);
  const module = decodeModule(bytes, ALL_FEATURES);
  return moduleCompiler().compileModule(module, {
    bounds: "guard",
    effort: "speed",
    cpuFeatures: machineCpuFeatures(),
  });
};

function leb(value: number): number[] {
  return value < 0x80 ? [value] : [value & 0x7f | 0x80, ...leb(value >>> 7)];
}
