/**
 * Validation of the type section: declared subtypes must match their supertypes (spec: valid-subtype).
 *
 * Requires: canonical ids of the module's types, which the decoder sets group by group; it also bounds their depth.
 *
 * May import: base. @module
 */
import { NONE } from "../../base/mod.ts";
import { CompileError } from "../errors.ts";
import type { Module } from "../module.ts";
import type { DefinedType, ValType } from "../types.ts";
import { isSubtypeIn } from "./state.ts";

/** Checks every type that declares a supertype. */
export function validateTypes(module: Module): void {
  const { types } = module;
  for (let index = 0; index < types.length; index++) {
    const { supertype } = types[index];
    if (supertype === NONE) continue;
    const above = types[supertype];
    if (above.isFinal) fail(module, index, `its supertype ${supertype} is final`);
    if (!matches(module, types[index], above)) fail(module, index, `it does not match its supertype ${supertype}`);
  }
}

function fail(module: Module, index: number, reason: string): never {
  throw new CompileError(`type ${index}: ${reason}`, module.offsets.types[index]);
}

/** Whether a composite type may be declared below another (spec: match-comptype). */
function matches(module: Module, below: DefinedType, above: DefinedType): boolean {
  if (below.kind === "func" && above.kind === "func") {
    return allMatch(module, above.params, below.params) && allMatch(module, below.results, above.results);
  }
  if (below.kind === "struct" && above.kind === "struct") {
    if (below.fields.length < above.fields.length) return false;
    for (let i = 0; i < above.fields.length; i++) {
      const isMutable = above.fieldMutable[i] !== 0;
      if (isMutable !== (below.fieldMutable[i] !== 0)) return false;
      if (!fieldMatches(module, below.fields[i], above.fields[i], isMutable)) return false;
    }
    return true;
  }
  if (below.kind === "array" && above.kind === "array") {
    if (below.isMutable !== above.isMutable) return false;
    return fieldMatches(module, below.element, above.element, above.isMutable);
  }
  return false;
}

/** A mutable field can be written through either type, so its types must be equal (spec: match-fieldtype). */
function fieldMatches(module: Module, below: ValType, above: ValType, isMutable: boolean): boolean {
  return isSubtypeIn(module, below, above) && (!isMutable || isSubtypeIn(module, above, below));
}

function allMatch(module: Module, from: Int32Array, to: Int32Array): boolean {
  if (from.length !== to.length) return false;
  for (let i = 0; i < from.length; i++) if (!isSubtypeIn(module, from[i], to[i])) return false;
  return true;
}
