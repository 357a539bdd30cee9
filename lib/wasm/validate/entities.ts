/**
 * What instructions name by index: each is looked up in the module, and an index of nothing is an error.
 *
 * May import: base. @module
 */

import { NONE } from "../../base/mod.ts";
import { funcTypeAt, type Global, type Memory, type Table } from "../module.ts";
import { type ArrayType, type FuncType, I32, I64, isDefaultable, type StructType, type ValType } from "../types.ts";
import type { ValidationScratch } from "./state.ts";

/** The memory at `index`. */
export function memoryAt(v: ValidationScratch, index: number): Memory {
  const memory = v.module.memories[index];
  if (memory === undefined) v.fail(`unknown memory ${index}`);
  if (index > 0) v.reader.need("multi-memory", v.opOffset);
  return memory;
}

/** What addresses of a memory or table are. */
export function addressTypeOf(entity: Memory | Table): ValType {
  return entity.addressType === "i64" ? I64 : I32;
}

/** Reads a memory's index; what its addresses are. */
export function readMemory(v: ValidationScratch): ValType {
  return addressTypeOf(memoryAt(v, v.reader.readU32Leb()));
}

/** Reads a table's index. */
export function readTable(v: ValidationScratch): Table {
  const index = v.reader.readU32Leb();
  const table = v.module.tables[index];
  if (table === undefined) v.fail(`unknown table ${index}`);
  return table;
}

/** Reads an element segment's index; what its elements are. */
export function readElementSegment(v: ValidationScratch): ValType {
  const index = v.reader.readU32Leb();
  const segment = v.module.elements[index];
  if (segment === undefined) v.fail(`unknown elem segment ${index}`);
  return segment.type;
}

/** Data comes after code in a module, so a use of it needs the data count section (spec: binary-datacountsec). */
export function readDataSegment(v: ValidationScratch): void {
  const index = v.reader.readU32Leb();
  const { dataCount } = v.module;
  if (dataCount === NONE) v.fail("data count section required");
  if (index >= dataCount) v.fail(`unknown data segment ${index}`);
}

/** The struct type at `index`. */
export function structAt(v: ValidationScratch, index: number): StructType {
  const type = v.typeAt(index);
  return type.kind === "struct" ? type : v.fail(`type ${index} is not a struct type`);
}

/** The struct type at `index`, whose objects must have a descriptor. */
export function describedStructAt(v: ValidationScratch, index: number): StructType {
  const type = structAt(v, index);
  return type.descriptor === NONE ? v.fail(`type ${index} has no descriptor`) : type;
}

/** The struct type at `index`, whose objects must not have a descriptor. */
export function undescribedStructAt(v: ValidationScratch, index: number): StructType {
  const type = structAt(v, index);
  return type.descriptor === NONE ? type : v.fail(`objects of type ${index} are made with their descriptor only`);
}

/** Fails unless all fields have a default value. */
export function checkDefaultable(v: ValidationScratch, typeIndex: number, fields: Int32Array): void {
  for (let i = 0; i < fields.length; i++) {
    if (!isDefaultable(fields[i])) v.fail(`field ${i} of type ${typeIndex} has no default value`);
  }
}

/** The array type at `index`. */
export function arrayAt(v: ValidationScratch, index: number): ArrayType {
  const type = v.typeAt(index);
  return type.kind === "array" ? type : v.fail(`type ${index} is not an array type`);
}

/** The function type of the tag at `index`. */
export function tagType(v: ValidationScratch, index: number): FuncType {
  const tag = v.module.tags[index];
  if (tag === undefined) v.fail(`unknown tag ${index}`);
  return funcTypeAt(v.module, tag.typeIndex);
}

/** What exceptions of a tag carry; a tag with results is for suspensions only. */
export function tagParams(v: ValidationScratch, index: number): Int32Array {
  const { params, results } = tagType(v, index);
  if (results.length > 0) v.fail(`non-empty tag result type: exceptions of tag ${index} cannot exist`);
  return params;
}

/** Reads a global's index. */
export function readGlobal(v: ValidationScratch): Global {
  const index = v.reader.readU32Leb();
  const global = v.module.globals[index];
  if (global === undefined) v.fail(`unknown global ${index}`);
  return global;
}

/** Reads and returns a function's index. */
export function readFunc(v: ValidationScratch): number {
  const index = v.reader.readU32Leb();
  if (index >= v.module.funcs.length) v.fail(`unknown function ${index}`);
  return index;
}
