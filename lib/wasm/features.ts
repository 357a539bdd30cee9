/**
 * WebAssembly's features (finished proposals) and sets of them as one integer.
 *
 * A feature is needed by opcodes (the opcode table's feature column), by types, or by module-level forms. The decoder asks
 * for the feature at the place that needs it, so a module is refused when the feature is not in its set, and what a module
 * uses is recorded bit by bit (see required_feature.ts). Row number = bit number.
 *
 * May import: nothing. @module
 */

/** Every feature: name, the edition of the specification that contains it ("3.0", or "proposal" while it is none). */
export const FEATURES = [
  ["mvp", "1.0"],
  ["mutable-globals", "1.0"],
  ["sign-extension", "2.0"],
  ["saturating-conversions", "2.0"],
  ["multi-value", "2.0"],
  ["bulk-memory", "2.0"],
  ["reference-types", "2.0"],
  ["simd", "2.0"],
  ["relaxed-simd", "3.0"],
  ["tail-call", "3.0"],
  ["extended-const", "3.0"],
  ["multi-memory", "3.0"],
  ["memory64", "3.0"],
  ["function-references", "3.0"],
  ["gc", "3.0"],
  ["exceptions", "3.0"],
  ["threads", "proposal"],
  ["legacy-exceptions", "proposal"],
  ["wide-arithmetic", "proposal"],
  ["custom-page-sizes", "proposal"],
  ["custom-descriptors", "proposal"],
  ["stack-switching", "proposal"],
] as const satisfies readonly (readonly [string, "1.0" | "2.0" | "3.0" | "proposal"])[];

/** The name of a feature. */
export type FeatureName = typeof FEATURES[number][0];

declare const brand: unique symbol;

/** A set of features: bit n stands for row n of {@linkcode FEATURES}. */
export type FeatureSet = number & { readonly [brand]: "FeatureSet" };

const BITS: Record<string, number> = Object.fromEntries(FEATURES.map(([name], row) => [name, 1 << row]));

/** The set that holds one feature. */
export function featureBit(name: FeatureName): FeatureSet {
  return BITS[name] as FeatureSet;
}

/** The set of the named features. */
export function featureSet(...names: readonly FeatureName[]): FeatureSet {
  return names.reduce((set, name) => set | featureBit(name), 0) as FeatureSet;
}

/** The union of two sets. */
export function withFeatures(set: FeatureSet, ...names: readonly FeatureName[]): FeatureSet {
  return (set | featureSet(...names)) as FeatureSet;
}

/** `set` without the named features. */
export function withoutFeatures(set: FeatureSet, ...names: readonly FeatureName[]): FeatureSet {
  return (set & ~featureSet(...names)) as FeatureSet;
}

/** Whether `set` holds the named feature. */
export function hasFeature(set: FeatureSet, name: FeatureName): boolean {
  return (set & featureBit(name)) !== 0;
}

/** The names of the features in `set`, in table order. */
export function featureNames(set: FeatureSet): FeatureName[] {
  return FEATURES.map(([name]) => name).filter((name) => hasFeature(set, name));
}

function editions(...wanted: readonly string[]): FeatureSet {
  return featureSet(...FEATURES.filter(([, edition]) => wanted.includes(edition)).map(([name]) => name));
}

/** WebAssembly 2.0. */
export const WASM2_FEATURES: FeatureSet = editions("1.0", "2.0");

/** WebAssembly 3.0. */
export const WASM3_FEATURES: FeatureSet = editions("1.0", "2.0", "3.0");

/** Every feature that the front end knows. */
export const ALL_FEATURES: FeatureSet = editions("1.0", "2.0", "3.0", "proposal");

/** What a module may use unless its caller says otherwise: WebAssembly 3.0 and the proposals that engines have finished. */
export const DEFAULT_FEATURES: FeatureSet = withFeatures(
  WASM3_FEATURES,
  "threads",
  "legacy-exceptions",
  "wide-arithmetic",
);

/** What the compiler compiles: WebAssembly 2.0, and what is named here. */
export const COMPILED_FEATURES: FeatureSet = withFeatures(
  WASM2_FEATURES,
  "extended-const",
  "relaxed-simd",
  "tail-call",
  "exceptions",
  "legacy-exceptions",
  "multi-memory",
  "memory64",
  "wide-arithmetic",
  "custom-page-sizes",
  "threads",
  "function-references",
  "gc",
  "custom-descriptors",
  "stack-switching",
);
