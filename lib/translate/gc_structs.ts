/**
 * Lowering of structs and i31 references. A struct access is one machine instruction, null check included (GCT-1).
 *
 * May import: base, wasm, abi, ir. @module
 */

import { type GcStructLayout, Storage, TrapCode } from "../abi/mod.ts";
import { bug, NONE } from "../base/mod.ts";
import { I32, Ir, REF, type Value } from "../ir/mod.ts";
import type { StructType } from "../wasm/mod.ts";
import { popDescriptor } from "./gc_casts.ts";
import {
  allocateStruct,
  idOfFunc,
  loadDescriptor,
  loadStored,
  objectFlags,
  storeInitial,
  storeStored,
} from "./gc_heap.ts";
import type { Lower, Translator } from "./translator.ts";

function structType(t: Translator, typeIndex: number): StructType {
  const type = t.environment.module.types[typeIndex];
  return type.kind === "struct" ? type : bug(`type ${typeIndex} is not a struct type`);
}

/** `struct.new`, and `struct.new_desc`, whose descriptor is on top of the fields. */
export function structNew(descriptors: "with" | "without"): Lower {
  return (t) => {
    const typeIndex = t.reader.readU32Leb();
    newStruct(t, typeIndex, descriptors === "with" ? popDescriptor(t) : NONE);
  };
}

function newStruct(t: Translator, typeIndex: number, descriptor: number): void {
  const layout = t.environment.gcLayouts.struct(typeIndex);
  const { stack } = t;
  const first = stack.length - layout.offsets.length;
  internFuncs(t, layout, first);
  const ref = allocateStruct(t, typeIndex, layout.sizeBytes);
  for (let field = 0; field < layout.offsets.length; field++) {
    storeInitial(t, layout.storage[field], ref, layout.offsets[field], stack.at(first + field) as Value);
  }
  if (descriptor !== NONE) storeInitial(t, Storage.ref, ref, layout.descriptorOffset, descriptor as Value);
  stack.length = first;
  t.push(ref);
}

/** Replaces the function references among the operands from `first` on by their ids, which may call (GCT-4). */
function internFuncs(t: Translator, { storage }: GcStructLayout, first: number): void {
  for (let field = 0; field < storage.length; field++) {
    if (storage[field] !== Storage.func) continue;
    t.stack.data[first + field] = idOfFunc(t, t.stack.at(first + field) as Value);
  }
}

/** `struct.new_default`, `struct.new_default_desc`. */
export function structNewDefault(descriptors: "with" | "without"): Lower {
  return (t) => {
    const typeIndex = t.reader.readU32Leb();
    const descriptor = descriptors === "with" ? popDescriptor(t) : NONE;
    const { sizeBytes, descriptorOffset } = t.environment.gcLayouts.struct(typeIndex);
    const ref = allocateStruct(t, typeIndex, sizeBytes);
    if (descriptor !== NONE) storeInitial(t, Storage.ref, ref, descriptorOffset, descriptor as Value);
    t.push(ref);
  };
}

/** `ref.get_desc`. */
export function refGetDesc(t: Translator): void {
  const typeIndex = t.reader.readU32Leb();
  t.push(loadDescriptor(t, t.pop(), typeIndex, TrapCode.null_reference));
}

/** `struct.get` and its kin. */
export function structGet(extension: "zero" | "sign"): Lower {
  return (t) => {
    const typeIndex = t.reader.readU32Leb();
    const field = t.reader.readU32Leb();
    const { offsets, storage } = t.environment.gcLayouts.struct(typeIndex);
    t.push(loadStored(t, storage[field], extension, t.pop(), offsets[field], fieldFlags(t, typeIndex, field)));
  };
}

/** `struct.set`. */
export function structSet(t: Translator): void {
  const typeIndex = t.reader.readU32Leb();
  const field = t.reader.readU32Leb();
  const { offsets, storage } = t.environment.gcLayouts.struct(typeIndex);
  const value = t.pop();
  const ref = t.pop();
  const stored = storage[field] === Storage.func ? idOfFunc(t, value) : value;
  storeStored(t, storage[field], ref, ref, offsets[field], stored, fieldFlags(t, typeIndex, field));
}

function fieldFlags(t: Translator, typeIndex: number, field: number): number {
  const isMutable = structType(t, typeIndex).fieldMutable[field] === 1;
  return objectFlags(TrapCode.null_struct_reference, isMutable ? "mutable" : "immutable");
}

/** `ref.i31`. */
export function refI31(t: Translator): void {
  const { builder } = t;
  const shifted = builder.binary(Ir.ishl, t.pop(), builder.iconst32(1));
  t.push(builder.unary(Ir.bitcast, builder.binary(Ir.bor, shifted, builder.iconst32(1)), REF));
}

/** `i31.get_s`, `i31.get_u`, by the shift that extends. */
export function i31Get(shift: typeof Ir.sshr): Lower {
  return (t) => {
    const { builder } = t;
    const bits = builder.unary(Ir.bitcast, t.pop(), I32);
    builder.trapUnless(bits, TrapCode.null_i31_reference);
    t.push(builder.binary(shift, bits, builder.iconst32(1)));
  };
}
