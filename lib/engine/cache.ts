/**
 * The key of a module in a cache: SHA-256 over everything that the machine code depends on.
 *
 * These are the module's bytes, the options of compilation, the processor, the contract between code and runtime, and the compiler itself, whose
 * sources may have been edited since the last run. An engine with an optimiser, which is a function that nothing is known of, and one that
 * checks each step of compilation have no keys: they compile.
 *
 * KEY-1  Modules of equal keys have equal artifacts.
 */

import { ARTIFACT_PRODUCER, ARTIFACT_VERSION, contractHash, encodeCodeOptions } from "../abi/mod.ts";
import { sha256 } from "../base/mod.ts";
import { type DiskCache, sourceStamp } from "../runtime/mod.ts";
import { codeOptions } from "./compilation.ts";
import type { ResolvedConfig } from "./config.ts";

/** The layers that decide what code is made of a module; `tests/meta` compares them with what the compiler imports. */
export const COMPILER_LAYERS = [
  "base",
  "wasm",
  "abi",
  "elf",
  "ir",
  "regalloc",
  "x64",
  "translate",
  "codegen",
  "compile",
] as const;

let compilerStamp: string | undefined;

/** Where an engine's modules are kept, and the key of one. */
export interface CachePlace {
  readonly cache: DiskCache;
  readonly key: Uint8Array;
}

/** The place of a module's artifact, undefined if the engine has none for it. */
export function cachePlace(bytes: Uint8Array, config: ResolvedConfig): CachePlace | undefined {
  const { cache, optimizer, checks, effort } = config;
  if (cache === undefined || optimizer !== undefined || checks === "on") return undefined;
  compilerStamp ??= sourceStamp(COMPILER_LAYERS);
  if (compilerStamp === undefined) {
    cache.decline("Theropod's own files cannot be read or have just changed, so its version is not known");
    return undefined;
  }
  const facts = JSON.stringify([
    ARTIFACT_PRODUCER,
    ARTIFACT_VERSION,
    contractHash(),
    encodeCodeOptions(codeOptions(config)),
    effort,
    compilerStamp,
  ]);
  return { cache, key: sha256([new TextEncoder().encode(`${facts}\0`), bytes]) };
}
