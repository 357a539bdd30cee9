/**
 * Validation of function bodies: local declarations, then one rule per instruction.
 *
 * One pass, linear in the bytes, with branch operands counted each time (spec: valid-func).
 *
 * May import: base. @module
 */
import { CompileError } from "../errors.ts";
import { FEATURES, type FeatureSet } from "../features.ts";
import { readOp } from "../instructions.ts";
import { MAX_LOCALS } from "../limits.ts";
import { funcIndexOf, funcTypeOf, type Module } from "../module.ts";
import { OP_COUNT, OP_FEATURE } from "../opcodes.ts";
import { readValType } from "../type_reader.ts";
import { RULES } from "./rules.ts";
import { ValidationScratch } from "./state.ts";

const FEATURE_BIT = Int32Array.from({ length: OP_COUNT }, (_, op) => 1 << OP_FEATURE[op]);

/** Validates the body of a defined function; `scratch` may be reused for any other. */
export function validateBody(module: Module, definedFuncIndex: number, scratch: ValidationScratch): void {
  try {
    checkBody(module, definedFuncIndex, scratch);
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    const functionIndex = funcIndexOf(module, definedFuncIndex);
    throw new CompileError(error.reason, error.offsetBytes, {
      functionIndex,
      functionName: module.names.func(functionIndex),
    });
  }
}

function checkBody(module: Module, definedFuncIndex: number, v: ValidationScratch): void {
  const { start, end } = module.bodies[definedFuncIndex];
  v.begin(module, start, end, funcTypeOf(module, funcIndexOf(module, definedFuncIndex)));
  readLocals(v);
  const { reader } = v;
  const enabled = module.features;
  let used = 0;
  while (v.frameCount > 0) {
    v.opOffset = reader.pos;
    if (reader.pos >= end) reader.fail("function body must end with end", end);
    const op = readOp(reader);
    const bit = FEATURE_BIT[op];
    used |= bit;
    if ((enabled & bit) === 0) reader.needBit(bit, FEATURES[OP_FEATURE[op]][0], v.opOffset);
    RULES[op](v, op);
  }
  if (reader.pos !== end) reader.fail("instructions after the end of the function");
  reader.usedFeatures = (reader.usedFeatures | used) as FeatureSet;
}

/** Reads the runs of locals (spec: binary-code). */
function readLocals(v: ValidationScratch): void {
  const { reader } = v;
  for (let runs = reader.readU32Leb(); runs > 0; runs--) {
    const start = reader.pos;
    const count = reader.readU32Leb();
    if (v.localCount + count > MAX_LOCALS) reader.fail(`too many locals: more than ${MAX_LOCALS}`, start);
    v.addLocals(count, readValType(reader));
  }
}

export { ValidationScratch };
