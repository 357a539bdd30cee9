/**
 * Objects from JavaScript's side: making them, reading and writing what is in them.
 *
 * OBJ-1  User code runs while values are coerced, and at no other time; what it does to references, it does before anything is looked at: where
 *        an object is, and whether its reference is still good, is asked after the last coercion (COLLECT-2).
 * OBJ-2  Nothing fails between the allocation of an object and the last store into it, so nobody ever finds one that is half made.
 * OBJ-3  Indices are checked here, against the object itself; that what is touched lies in the object is checked again below (HEAP-1).
 */

import { AREA_SLOT_BYTES, GC_ARRAY_ELEMENTS, GC_MAX_OFFSET_BYTES, GcKind, Storage } from "../../abi/mod.ts";
import { bug, NONE } from "../../base/mod.ts";
import { type ArrayType, type FuncType, type StructType, unpacked, type ValType } from "../../wasm/mod.ts";
import { ValueKind, valueKindOf } from "../signature.ts";
import type { StoreState } from "../store_state.ts";
import type { TagState } from "../tag.ts";
import { Trap } from "../traps.ts";
import { type BitValue, coerceValue, loadCell, makeCells, storeCell } from "../values.ts";
import { fromReference, type HeapReference, RefError, storeOfReference, usedReference } from "./refs.ts";
import { isStructRef } from "./struct_ref.ts";

/** One value on its way. Nothing of the user's runs while something is in it. */
const CELL = makeCells(1);
/** Room that a host value takes in the heap. */
const EXTERN_BYTES = 8;

function structTypeOf({ engine }: StoreState, typeId: number): StructType {
  const type = engine.registry.types[typeId];
  return type?.kind === "struct" ? type : bug(`canonical type ${typeId} is not a struct type`);
}

function arrayTypeOf({ engine }: StoreState, typeId: number): ArrayType {
  const type = engine.registry.types[typeId];
  return type?.kind === "array" ? type : bug(`canonical type ${typeId} is not an array type`);
}

function kindOf({ engine }: StoreState, type: ValType): number {
  return valueKindOf(engine.registry, unpacked(type));
}

function coerce(store: StoreState, type: ValType, value: unknown): BitValue {
  return coerceValue(store, kindOf(store, type), unpacked(type), value);
}

/** What stands for a value that is left out; coercing it refuses null where that is none. */
function defaultOf(kind: number): unknown {
  return kind >= ValueKind.func ? null : kind === ValueKind.i64 ? 0n : kind === ValueKind.v128 ? new Uint8Array(16) : 0;
}

/** The canonical type id of a struct or array. @throws {TypeError} */
export function typeIdOfReference(value: HeapReference): number {
  return storeOfReference(value).gc.typeIdOf(usedReference(value));
}

/** Makes room, so that what follows allocates without a collection. */
function makeRoom(store: StoreState, sizeBytes: number): void {
  store.gc.types.sync();
  store.gc.prepare(sizeBytes);
}

function full(): never {
  throw new Trap("gc_heap_exhausted");
}

/** Coerces values for fields of these types and allocates by `allocate`; the object's reference. */
function makeObject(
  store: StoreState,
  types: Int32Array,
  values: readonly unknown[],
  sizeBytes: number,
  allocate: () => number,
): number {
  const bits = Array.from(types, (type, i) => coerce(store, type, values[i]));
  store.requireOpen();
  makeRoom(store, sizeBytes + bits.length * EXTERN_BYTES);
  using _ = store.gc.holdReferences();
  const cells = makeCells(bits.length);
  // What the values refer to may have been given up by user code that ran for a later one: this throws, so nothing is allocated before.
  bits.forEach((value, i) => storeCell(store, kindOf(store, types[i]), cells, i * AREA_SLOT_BYTES, value));
  const reference = allocate() || full();
  for (let i = 0; i < bits.length; i++) {
    store.gc.initializeField(reference, i, cells.i32.subarray(4 * i, 4 * i + 4));
  }
  return reference;
}

/**
 * Makes a struct; `values` are as many as the type has fields, an undefined one is zero or null.
 *
 * @throws {TypeError} for values that cannot be coerced.
 * @throws {Trap} when the heap is full.
 */
export function createStruct(store: StoreState, typeId: number, values: readonly unknown[]): HeapReference {
  const { fields, descriptor } = structTypeOf(store, typeId);
  if (descriptor !== NONE) throw new TypeError("A struct with a descriptor is made by WebAssembly only");
  const given = Array.from(
    fields,
    (type, i) => values[i] === undefined ? defaultOf(kindOf(store, type)) : values[i],
  );
  const { sizeBytes } = store.gc.types.layouts.struct(typeId);
  if (sizeBytes > GC_MAX_OFFSET_BYTES) throw new RangeError("The struct type is too large");
  const reference = makeObject(store, fields, given, sizeBytes, () => store.gc.newStruct(typeId));
  return fromReference(store, reference) as HeapReference;
}

/** Makes an exception that nobody threw. @throws {TypeError} for values that cannot be coerced. @throws {Trap} when the heap is full. */
export function createExn({ store, signature, number }: TagState, values: readonly unknown[]): HeapReference {
  const { paramTypes, typeId } = signature;
  const { sizeBytes } = store.gc.types.layouts.exn(typeId);
  const reference = makeObject(store, paramTypes, values, sizeBytes, () => store.gc.newExn(typeId, number));
  return fromReference(store, reference) as HeapReference;
}

/** Makes an array of `length` times one value; undefined is zero or null. @throws {TypeError} @throws {Trap} when the heap is full. */
export function createFilledArray(store: StoreState, typeId: number, length: number, value: unknown): HeapReference {
  const { element } = arrayTypeOf(store, typeId);
  const kind = kindOf(store, element);
  const bits = coerce(store, element, value === undefined ? defaultOf(kind) : value);
  store.requireOpen();
  const { gc } = store;
  makeRoom(store, gc.arrayBytes(typeId, length) + EXTERN_BYTES);
  using _ = gc.holdReferences();
  storeCell(store, kind, CELL, 0, bits);
  const reference = gc.newArray(typeId, length) || full();
  if (value !== undefined) gc.fillElements(reference, 0, length, CELL.i32);
  return fromReference(store, reference) as HeapReference;
}

/** Makes an array of values. @throws {TypeError} for values that cannot be coerced. @throws {Trap} when the heap is full. */
export function createArray(store: StoreState, typeId: number, values: readonly unknown[]): HeapReference {
  const { element } = arrayTypeOf(store, typeId);
  const kind = kindOf(store, element);
  const bits = values.map((value) => coerce(store, element, value));
  store.requireOpen();
  const { gc } = store;
  makeRoom(store, gc.arrayBytes(typeId, bits.length) + (kind > ValueKind.func ? bits.length * EXTERN_BYTES : 0));
  using _ = gc.holdReferences();
  // Host values get their objects first, which may find the heap full (OBJ-2).
  if (kind > ValueKind.func) bits.forEach((value) => storeCell(store, kind, CELL, 0, value));
  const reference = gc.newArray(typeId, bits.length) || full();
  bits.forEach((value, i) => {
    storeCell(store, kind, CELL, 0, value);
    gc.writeElement(reference, i, CELL.i32);
  });
  return fromReference(store, reference) as HeapReference;
}

/** Makes an array whose elements are these bytes. @throws {TypeError} @throws {Trap} when the heap is full. */
export function createArrayOfBytes(store: StoreState, typeId: number, bytes: Uint8Array): HeapReference {
  const { gc } = store;
  const length = elementsIn(gc.types.layouts.array(typeId), bytes.length);
  makeRoom(store, gc.arrayBytes(typeId, length));
  const reference = gc.newArray(typeId, length) || full();
  gc.writeElementBytes(reference, 0, bytes);
  return fromReference(store, reference) as HeapReference;
}

/** The number of fields of a struct, or of values of an exception. */
export function fieldCount(value: HeapReference): number {
  return storeOfReference(value).gc.structLayout(usedReference(value)).offsets.length;
}

/** The types of an object's fields, and which may be set. */
function fieldsOf(store: StoreState, reference: number): { types: Int32Array; mutable: Uint8Array | undefined } {
  const type = store.engine.registry.types[store.gc.typeIdOf(reference)] as StructType | FuncType;
  return type.kind === "struct"
    ? { types: type.fields, mutable: type.fieldMutable }
    : { types: type.params, mutable: undefined };
}

function checkField(field: number, count: number): void {
  if (!(Number.isInteger(field) && field >= 0 && field < count)) {
    throw new RangeError(`The object has ${count} fields; there is none at ${String(field)}`);
  }
}

/** A field as JavaScript sees it; packed ones are zero-extended (SEEDS 1.12). @throws {RangeError} beyond the last field. */
export function readField(value: HeapReference, field: number): unknown {
  const reference = usedReference(value);
  const store = storeOfReference(value);
  const { types } = fieldsOf(store, reference);
  checkField(field, types.length);
  store.gc.readField(reference, field, CELL.i32);
  return loadCell(store, kindOf(store, types[field]), CELL, 0);
}

/** Sets a field; what a packed one has no room for is cut off (SEEDS 1.15). @throws {TypeError} if it is immutable. @throws {RangeError} */
export function writeField(value: HeapReference, field: number, newValue: unknown): void {
  const store = storeOfReference(value);
  const { types, mutable } = fieldsOf(store, usedReference(value));
  checkField(field, types.length);
  if (!mutable?.[field]) throw new TypeError(`Field ${field} is immutable`);
  const bits = coerce(store, types[field], newValue);
  const reference = usedReference(value); // OBJ-1
  storeCell(store, kindOf(store, types[field]), CELL, 0, bits);
  store.gc.writeField(reference, field, CELL.i32);
}

/** The number of elements of an array. */
export function arrayLength(value: HeapReference): number {
  return storeOfReference(value).gc.arrayLength(usedReference(value));
}

function checkElements(length: number, start: number, count: number): void {
  if (!(Number.isInteger(start) && start >= 0 && count >= 0 && start + count <= length)) {
    throw new RangeError(`The array has ${length} elements; there are none from ${start} to ${start + count}`);
  }
}

/** An element as JavaScript sees it. @throws {RangeError} beyond the last. */
export function readElement(value: HeapReference, index: number): unknown {
  const reference = usedReference(value);
  const store = storeOfReference(value);
  const { gc } = store;
  checkElements(gc.arrayLength(reference), index, 1);
  gc.readElement(reference, index, CELL.i32);
  return loadCell(store, kindOf(store, arrayTypeOf(store, gc.typeIdOf(reference)).element), CELL, 0);
}

/** The type of a mutable array's elements. @throws {TypeError} for an immutable one. */
function mutableElement(store: StoreState, reference: number): ValType {
  const { element, isMutable } = arrayTypeOf(store, store.gc.typeIdOf(reference));
  if (!isMutable) throw new TypeError("The array is immutable");
  return element;
}

/** Sets `count` elements to one value. @throws {TypeError} if they are immutable. @throws {RangeError} beyond the last. */
export function writeElements(value: HeapReference, start: number, count: number, newValue: unknown): void {
  const store = storeOfReference(value);
  const before = usedReference(value);
  const element = mutableElement(store, before);
  checkElements(store.gc.arrayLength(before), start, count);
  const bits = coerce(store, element, newValue);
  const reference = usedReference(value); // OBJ-1
  storeCell(store, kindOf(store, element), CELL, 0, bits);
  store.gc.fillElements(reference, start, count, CELL.i32);
}

/** How many elements so many bytes are. @throws {TypeError} for references. @throws {RangeError} for a part of one. */
function elementsIn(layout: { readonly storage: number; readonly elementBytes: number }, byteLength: number): number {
  if (layout.storage === Storage.ref || layout.storage === Storage.func) {
    throw new TypeError("References are not copied as bytes");
  }
  if (byteLength % layout.elementBytes !== 0) {
    throw new RangeError(`${byteLength} bytes are no whole number of elements of ${layout.elementBytes} bytes`);
  }
  return byteLength / layout.elementBytes;
}

/** Copies elements out as bytes, as many as fill `target`. @throws {TypeError} for references. @throws {RangeError} beyond the last. */
export function copyElementsTo(value: HeapReference, start: number, target: Uint8Array): void {
  const reference = usedReference(value);
  const { gc } = storeOfReference(value);
  const layout = gc.arrayLayout(reference);
  checkElements(gc.arrayLength(reference), start, elementsIn(layout, target.length));
  const { bytes, start: first } = gc.collector;
  const at = reference + GC_ARRAY_ELEMENTS + start * layout.elementBytes - first;
  target.set(bytes.subarray(at, at + target.length));
}

/** Elements [start, end) as bytes. @throws {TypeError} for references. @throws {RangeError} beyond the last. */
export function copyElements(value: HeapReference, start: number, end: number): Uint8Array<ArrayBuffer> {
  const { gc } = storeOfReference(value);
  const reference = usedReference(value);
  const layout = gc.arrayLayout(reference);
  elementsIn(layout, 0);
  checkElements(gc.arrayLength(reference), start, end - start);
  const bytes = new Uint8Array((end - start) * layout.elementBytes);
  copyElementsTo(value, start, bytes);
  return bytes;
}

/** Copies bytes over elements. @throws {TypeError} for references and immutable arrays. @throws {RangeError} beyond the last. */
export function copyElementsFrom(value: HeapReference, start: number, source: Uint8Array): void {
  const reference = usedReference(value);
  const store = storeOfReference(value);
  const { gc } = store;
  mutableElement(store, reference);
  checkElements(gc.arrayLength(reference), start, elementsIn(gc.arrayLayout(reference), source.length));
  gc.writeElementBytes(reference, start, source);
}

/** What an object may become in {@linkcode toPlain}. */
type Plain = Record<string, unknown> | unknown[];

/**
 * The object and everything it refers to as plain objects and arrays, references to one object as references to one: also in cycles. Structs
 * have the names of their fields as keys, or their numbers. No references are made, but for what has no plain form: functions, exceptions.
 * With a limit, so many objects, and elements of each array, are shown, and "..." for the others.
 */
export function toPlain(value: HeapReference, most = Infinity): Plain {
  const store = storeOfReference(value);
  const { gc } = store;
  // By reference: nothing is collected before this returns. An exception's values are those of an array, laid out as fields.
  const plain = new Map<number, Plain>();
  using _ = gc.holdReferences();
  const pending: number[] = [];
  const convert = (kind: number, bits: number): unknown => {
    if (kind < ValueKind.extern || bits === 0) return loadCell(store, kind, CELL, 0);
    if (bits & 1) return bits >> 1;
    const reference = bits >>> 0;
    const objectKind = gc.kindOf(reference);
    const isStruct = isStructRef(gc, reference);
    if (!isStruct && objectKind !== GcKind.array) return loadCell(store, kind, CELL, 0);
    let result = plain.get(reference);
    if (result === undefined) {
      if (plain.size >= most) return "...";
      plain.set(reference, result = isStruct ? {} : []);
      pending.push(reference);
    }
    return result;
  };
  const root = usedReference(value);
  const payload: Plain = [];
  if (gc.kindOf(root) === GcKind.exn) {
    plain.set(root, payload);
    pending.push(root);
  }
  const result = plain.get(root) ?? convert(ValueKind.any, root) as Plain;
  for (let reference = pending.pop(); reference !== undefined; reference = pending.pop()) {
    const target = plain.get(reference)!;
    if (target !== payload && Array.isArray(target)) {
      const kind = kindOf(store, arrayTypeOf(store, gc.typeIdOf(reference)).element);
      const length = gc.arrayLength(reference);
      for (let i = 0; i < Math.min(length, most); i++) {
        gc.readElement(reference, i, CELL.i32);
        target.push(convert(kind, CELL.i32[0]));
      }
      if (length > most) target.push("...");
      continue;
    }
    const { types } = fieldsOf(store, reference);
    const names = store.fieldNames.of(gc.typeIdOf(reference));
    for (let i = 0; i < types.length; i++) {
      gc.readField(reference, i, CELL.i32);
      const name = names.byIndex.get(i);
      const key = name !== undefined && names.byName.get(name) === i ? name : String(i);
      // Defined, not set: a field may be called __proto__.
      Object.defineProperty(target, key, {
        value: convert(kindOf(store, types[i]), CELL.i32[0]),
        configurable: true,
        enumerable: true,
        writable: true,
      });
    }
  }
  return result;
}

/** The field that a name or number means. @throws {TypeError} for a name that no field has. */
export function fieldIndexOf(value: HeapReference, field: number | string): number {
  if (typeof field === "number") return field;
  const index = storeOfReference(value).fieldNames.of(typeIdOfReference(value)).byName.get(field);
  if (index === undefined) {
    throw new RefError("wrong_type", `The struct has no field that is called ${JSON.stringify(field)}`);
  }
  return index;
}
