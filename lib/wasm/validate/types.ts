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
import type { DefinedType, StructType, ValType } from "../types.ts";
import { isSubtypeIn } from "./state.ts";

/** Checks every type that declares a supertype or names another type in a role that not every type can have. */
export function validateTypes(module: Module): void {
  const { types } = module;
  for (let index = 0; index < types.length; index++) {
    const type = types[index];
    if (type.kind === "cont" && types[type.func].kind !== "func") {
      fail(module, index, `continuation of type ${type.func}, which is not a function type`);
    }
    if (type.kind === "struct") checkDescriptor(module, index, type);
    const { supertype } = type;
    if (supertype === NONE) continue;
    const above = types[supertype];
    if (above.isFinal) fail(module, index, `its supertype ${supertype} is final`);
    if (!matches(module, types[index], above)) fail(module, index, `it does not match its supertype ${supertype}`);
  }
}

function fail(module: Module, index: number, reason: string): never {
  throw new CompileError(`type ${index}: ${reason}`, module.offsets.types[index]);
}

/**
 * The clauses must agree, and a chain of descriptors goes forward only, so that it ends (spec of custom descriptors:
 * "Custom Descriptors").
 */
function checkDescriptor(module: Module, index: number, { descriptor, describes }: StructType): void {
  const { types } = module;
  if (descriptor !== NONE) {
    const other = types[descriptor];
    if (other.kind !== "struct") fail(module, index, `its descriptor type ${descriptor} is not a struct type`);
    if (other.describes !== index) fail(module, index, `its descriptor type ${descriptor} does not describe it`);
  }
  if (describes !== NONE) {
    if (describes >= index) fail(module, index, `it describes type ${describes}, which must come first`);
    const other = types[describes];
    if (other.kind !== "struct") fail(module, index, `it describes type ${describes}, which is not a struct type`);
    if (other.descriptor !== index) fail(module, index, `it describes type ${describes}, of which it is no descriptor`);
  }
}

/**
 * Whether descriptors allow one struct type below another: a descriptor may be added, and both clauses follow the subtyping
 * (spec of custom descriptors: "Type Definitions").
 */
function descriptorsMatch(module: Module, below: StructType, above: StructType): boolean {
  if (above.descriptor !== NONE && !isDeclaredBelow(module, below.descriptor, above.descriptor)) return false;
  if (above.describes === NONE || below.describes === NONE) return above.describes === below.describes;
  return isDeclaredBelow(module, below.describes, above.describes);
}

/** Whether the type at `index`, if any, names `above` as its supertype. */
function isDeclaredBelow({ types, typeIds }: Module, index: number, above: number): boolean {
  if (index === NONE) return false;
  const { supertype } = types[index];
  return supertype !== NONE && typeIds[supertype] === typeIds[above];
}

/** Whether a composite type may be declared below another (spec: match-comptype). */
function matches(module: Module, below: DefinedType, above: DefinedType): boolean {
  if (below.kind === "func" && above.kind === "func") {
    return allMatch(module, above.params, below.params) && allMatch(module, below.results, above.results);
  }
  if (below.kind === "struct" && above.kind === "struct") {
    if (below.fields.length < above.fields.length || !descriptorsMatch(module, below, above)) return false;
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
  if (below.kind === "cont" && above.kind === "cont") {
    const { registry, typeIds } = module;
    return registry.isSubtype(typeIds[below.func], typeIds[above.func]);
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
