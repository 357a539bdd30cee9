/**
 * How the options that code depends on are written into an artifact, and what is said where they do not fit: a word each.
 *
 * An option without a row does not compile, so no code is ever loaded into an engine that it was not made for.
 */

import { featureNames, type FeatureSet } from "../wasm/mod.ts";
import type { CodeOptions } from "./compiled_module.ts";

/** Processor features that code may depend on beyond the baseline (SSE4.1 and popcnt), by bit. */
export const CPU_FEATURES = ["lzcnt", "bmi1", "bmi2", "avx", "avx2", "fma"] as const;

/** The mask of the named processor features; names that code generation does not know are left out. */
export function cpuFeatureMask(names: Iterable<string>): number {
  let mask = 0;
  for (const name of names) {
    const bit = CPU_FEATURES.indexOf(name as typeof CPU_FEATURES[number]);
    if (bit >= 0) mask |= 1 << bit;
  }
  return mask;
}

/** The names of a mask's features. */
export function cpuFeatureNames(mask: number): string[] {
  return CPU_FEATURES.filter((_, bit) => mask & 1 << bit);
}

/** An option as a word of the artifact's header. */
interface OptionRow<T> {
  /** The word, as a signed integer. */
  encode(value: T): number;
  /** The value of a word, undefined if it is none. */
  decode(word: number): T | undefined;
  /** Why code made with `found` does not run where `wanted` is what there is; undefined if it does. */
  misfit(found: T, wanted: T): string | undefined;
}

function oneOf<T extends string>(values: readonly T[], misfit: (found: T, wanted: T) => string): OptionRow<T> {
  return {
    encode: (value) => values.indexOf(value),
    decode: (word) => values[word],
    misfit: (found, wanted) => found === wanted ? undefined : misfit(found, wanted),
  };
}

function flag(whenFound: string, whenWanted: string): OptionRow<boolean> {
  return {
    encode: (value) => value ? 1 : 0,
    decode: (word) => word === 0 || word === 1 ? word === 1 : undefined,
    misfit: (found, wanted) => found === wanted ? undefined : found ? whenFound : whenWanted,
  };
}

/** A set of things that the code needs. */
function needs(count: number, misfit: (missing: number) => string): OptionRow<number> {
  return {
    encode: (value) => value,
    decode: (word) => (word & ~((1 << count) - 1)) === 0 ? word : undefined,
    misfit: (found, wanted) => (found & ~wanted) === 0 ? undefined : misfit(found & ~wanted),
  };
}

const PAGE_BYTES = 2 ** 16;

/** The options in the order of their words. */
export const CODE_OPTIONS: { readonly [K in keyof CodeOptions]: OptionRow<CodeOptions[K]> } = {
  bounds: oneOf(
    ["guard", "explicit"],
    (found, wanted) => `the module was compiled with ${found} bounds, and this engine has ${wanted} bounds`,
  ),
  reservationBytes: {
    encode: (value) => value / PAGE_BYTES,
    decode: (word) => word >= 0 ? word * PAGE_BYTES : undefined,
    misfit: (found, wanted) =>
      found <= wanted
        ? undefined
        : `the module was compiled for memories that reserve ${found} bytes, and here they reserve ${wanted}`,
  },
  interruption: flag(
    "the module was compiled with interruption, and this engine does not interrupt",
    "the module was compiled without interruption, and this engine interrupts",
  ),
  fuel: flag(
    "the module was compiled with fuel, and this engine does not count it",
    "the module was compiled without fuel, and this engine counts it",
  ),
  tables: oneOf(
    ["lazy", "eager"],
    (found, wanted) => `the module was compiled for ${found} tables, and this engine has ${wanted} tables`,
  ),
  barrier: oneOf(
    ["cards", "log"],
    (found) =>
      found === "log"
        ? "the module was compiled for a collector that counts references, and this engine's does not"
        : "the module was compiled for collectors that trace, and this engine's counts references",
  ),
  stress: {
    encode: (value) => value,
    decode: (word) => word,
    misfit: (found, wanted) =>
      found === wanted ? undefined : "the module was compiled under other stress than this engine's",
  },
  features: needs(
    31,
    (missing) =>
      `the module uses the feature ${featureNames(missing as FeatureSet)[0]}, which this engine does not allow`,
  ),
  cpuFeatures: needs(
    CPU_FEATURES.length,
    (missing) => `the module was compiled for a processor with ${cpuFeatureNames(missing).join(", ")}`,
  ),
};

const NAMES = Object.keys(CODE_OPTIONS) as (keyof CodeOptions)[];

/** The words of the options. */
export function encodeCodeOptions(options: CodeOptions): number[] {
  return NAMES.map((name) => CODE_OPTIONS[name].encode(options[name] as never));
}

/** The options of words, undefined if they are none. */
export function decodeCodeOptions(words: Int32Array): CodeOptions | undefined {
  if (words.length !== NAMES.length) return undefined;
  const values = NAMES.map((name, i) => CODE_OPTIONS[name].decode(words[i]));
  if (values.includes(undefined)) return undefined;
  return Object.fromEntries(NAMES.map((name, i) => [name, values[i]])) as unknown as CodeOptions;
}

/** Why code made with `found` does not run where `wanted` is what there is; undefined if it does. */
export function codeMisfit(found: CodeOptions, wanted: CodeOptions): string | undefined {
  for (const name of NAMES) {
    const misfit = CODE_OPTIONS[name].misfit(found[name] as never, wanted[name] as never);
    if (misfit !== undefined) return misfit;
  }
  return undefined;
}
