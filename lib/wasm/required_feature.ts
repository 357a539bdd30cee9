/**
 * What a module uses: the features behind its sections and instructions, whatever it was allowed to use.
 *
 * The decoder notes the features of the sections; this scan adds those of the bodies. It looks at opcodes, and at the
 * immediates that hold types or memory indices; all others say nothing about features.
 *
 * Requires: a valid module. Linear in the bytes of its bodies.
 *
 * May import: base. @module
 */
import { ALL_FEATURES, COMPILED_FEATURES, type FeatureName, featureNames, type FeatureSet } from "./features.ts";
import { skipImmediates } from "./immediates.ts";
import { readOp } from "./instructions.ts";
import type { Module } from "./module.ts";
import { OP, OP_FEATURE } from "./opcodes.ts";
import { Reader } from "./reader.ts";
import { readValType } from "./type_reader.ts";

/** What was found out already: checking, compiling and linking ask for the same module. */
const known = new WeakMap<Module, FeatureSet>();

/** The features that a valid module uses; its bodies are read once. */
export function usedFeatures(module: Module): FeatureSet {
  let used = known.get(module);
  if (used === undefined) known.set(module, used = findUsedFeatures(module));
  return used;
}

function findUsedFeatures(module: Module): FeatureSet {
  const reader = new Reader(module.bytes);
  reader.features = ALL_FEATURES;
  let used: number = module.usedFeatures;
  for (const { start, end } of module.bodies) {
    reader.reset(module.bytes, start, end);
    for (let runs = reader.readU32Leb(); runs > 0; runs--) {
      reader.readU32Leb();
      readValType(reader);
    }
    while (!reader.atEnd) {
      const op = readOp(reader);
      used |= 1 << OP_FEATURE[op];
      if (op === OP.return_call_ref) reader.need("tail-call");
      skipImmediates(op, reader);
    }
  }
  return (used | reader.usedFeatures) as FeatureSet;
}

/** The first feature that a valid module uses and `supported` lacks; undefined when there is none. */
export function requiredFeature(module: Module, supported: FeatureSet = COMPILED_FEATURES): FeatureName | undefined {
  return featureNames((usedFeatures(module) & ~supported) as FeatureSet)[0];
}
