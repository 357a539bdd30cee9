/**
 * Lowering of arrays.
 *
 * An element access loads the length, which also finds a null array (GCT-1), compares the index with it, and goes to heap base + (reference
 * + scaled index, 32 bits wide) + the header's size: two loads and a comparison. Lengths never change, so a loop over an array loads its
 * length once. Bulk operations are runtime calls, which check bounds themselves; what they are given is not null.
 *
 * GCA-1  An index is below the length when the element's address is formed: index times element size fits 32 bits, since an array's bytes do.
 *
 * May import: base, wasm, abi, ir. @module
 */

import { GC_ARRAY_ELEMENTS, type GcArrayLayout, Libcall, Storage, TrapCode } from "../abi/mod.ts";
import { bug } from "../base/mod.ts";
import { F32, F64, I32, I64, IntCond, Ir, type Type, type Value } from "../ir/mod.ts";
import type { ArrayType } from "../wasm/mod.ts";
import { chargeRange } from "./fuel.ts";
import {
  allocateArray,
  idOfFunc,
  isZero,
  loadLength,
  loadStored,
  objectFlags,
  storeInitial,
  storeStored,
} from "./gc_heap.ts";
import { libcall } from "./libcalls.ts";
import { wide } from "./places.ts";
import type { Lower, Translator } from "./translator.ts";

/** Arrays up to this length, if it is known, are filled by single stores. */
const MOST_UNROLLED = 16;

function arrayType(t: Translator, typeIndex: number): ArrayType {
  const type = t.environment.module.types[typeIndex];
  return type.kind === "array" ? type : bug(`type ${typeIndex} is not an array type`);
}

/** Memory flags of an element whose index was checked. */
function elementFlags(t: Translator, typeIndex: number): number {
  return objectFlags(TrapCode.none, arrayType(t, typeIndex).isMutable ? "mutable" : "immutable");
}

/** What an access to element `index` adds the header's size to. */
function elementIndex(t: Translator, { elementLog2 }: GcArrayLayout, ref: Value, index: Value): Value {
  const { builder } = t;
  return builder.refAdd(ref, builder.binary(Ir.ishl, index, builder.iconst32(elementLog2)));
}

function checkIndex(t: Translator, ref: Value, index: Value): void {
  const { builder } = t;
  builder.trapIf(builder.icmp(IntCond.uge, index, loadLength(t, ref)), TrapCode.array_out_of_bounds);
}

/** Traps unless an array is there. */
function checkNotNull(t: Translator, ref: Value): void {
  const { builder } = t;
  builder.trapIf(
    builder.icmp(IntCond.eq, ref, builder.zero(t.func.type[ref])),
    TrapCode.null_array_reference,
  );
}

/** Takes what `length` elements cost, if as many are in each array from an index on. */
function chargeArrayRange(t: Translator, length: Value, places: readonly (readonly [Value, Value])[]): void {
  if (t.environment.options.fuel !== true) return;
  for (const [ref, index] of places) checkRange(t, ref, index, length);
  chargeRange(t, length, "elements");
}

/** Traps unless `length` elements from `start` on are in the array; gives the end of the range (i64). */
function checkRange(t: Translator, ref: Value, start: Value, length: Value): Value {
  const { builder } = t;
  const end = builder.binary(Ir.iadd, wide(t, start), wide(t, length));
  builder.trapIf(builder.icmp(IntCond.ugt, end, wide(t, loadLength(t, ref))), TrapCode.array_out_of_bounds);
  return end;
}

/** The value as it is stored: a function reference becomes its id, which may call. */
function stored(t: Translator, { storage }: GcArrayLayout, value: Value): Value {
  return storage === Storage.func ? idOfFunc(t, value) : value;
}

/** `array.new`. */
export function arrayNew(t: Translator): void {
  const { builder } = t;
  const typeIndex = t.reader.readU32Leb();
  const layout = t.environment.gcLayouts.array(typeIndex);
  const length = t.pop();
  const value = t.pop();
  chargeRange(t, length, "elements");
  if (isZero(t, value)) {
    t.push(allocateArray(t, typeIndex, layout.elementLog2, length));
    return;
  }
  const known = t.func.resolve(length);
  if (t.func.op[known] === Ir.iconst && t.func.imm[known] >>> 0 <= MOST_UNROLLED) {
    const content = stored(t, layout, value);
    const ref = allocateArray(t, typeIndex, layout.elementLog2, length);
    for (let k = 0; k < t.func.imm[known]; k++) {
      storeInitial(t, layout.storage, elementIndex(t, layout, ref, builder.iconst32(k)), GC_ARRAY_ELEMENTS, content);
    }
    t.push(ref);
    return;
  }
  const ref = allocateArray(t, typeIndex, layout.elementLog2, length);
  fill(t, layout, ref, builder.iconst32(0), value, length);
  t.push(ref);
}

/** `array.new_default`. */
export function arrayNewDefault(t: Translator): void {
  const typeIndex = t.reader.readU32Leb();
  const { elementLog2 } = t.environment.gcLayouts.array(typeIndex);
  const length = t.pop();
  chargeRange(t, length, "elements");
  t.push(allocateArray(t, typeIndex, elementLog2, length));
}

/** `array.new_fixed`. */
export function arrayNewFixed(t: Translator): void {
  const { builder, stack } = t;
  const typeIndex = t.reader.readU32Leb();
  const length = t.reader.readU32Leb();
  const layout = t.environment.gcLayouts.array(typeIndex);
  const first = stack.length - length;
  for (let k = 0; k < length; k++) stack.data[first + k] = stored(t, layout, stack.at(first + k) as Value);
  const ref = allocateArray(t, typeIndex, layout.elementLog2, builder.iconst32(length));
  for (let k = 0; k < length; k++) {
    const at = elementIndex(t, layout, ref, builder.iconst32(k));
    storeInitial(t, layout.storage, at, GC_ARRAY_ELEMENTS, stack.at(first + k) as Value);
  }
  stack.length = first;
  t.push(ref);
}

/** `array.new_data`, `array.new_elem`: the runtime call of the same name. */
export function arrayNewSegment(number: number): Lower {
  return (t) => {
    const typeIndex = t.reader.readU32Leb();
    const segment = t.reader.readU32Leb();
    const length = t.pop();
    const offset = t.pop();
    t.args.reset();
    t.args.push(t.builder.iconst32(typeIndex));
    t.args.push(t.builder.iconst32(segment));
    t.args.push(offset);
    t.args.push(length);
    t.push(libcall(t, number));
  };
}

/** `array.get` and its kin. */
export function arrayGet(extension: "zero" | "sign"): Lower {
  return (t) => {
    const typeIndex = t.reader.readU32Leb();
    const layout = t.environment.gcLayouts.array(typeIndex);
    const index = t.pop();
    const ref = t.pop();
    checkIndex(t, ref, index);
    const at = elementIndex(t, layout, ref, index);
    t.push(loadStored(t, layout.storage, extension, at, GC_ARRAY_ELEMENTS, elementFlags(t, typeIndex)));
  };
}

/** `array.set`. */
export function arraySet(t: Translator): void {
  const typeIndex = t.reader.readU32Leb();
  const layout = t.environment.gcLayouts.array(typeIndex);
  const value = t.pop();
  const index = t.pop();
  const ref = t.pop();
  checkIndex(t, ref, index);
  const content = stored(t, layout, value); // before the address, which must not live across its call
  const at = elementIndex(t, layout, ref, index);
  storeStored(t, layout.storage, ref, at, GC_ARRAY_ELEMENTS, content, elementFlags(t, typeIndex));
}

/** `array.len`. */
export function arrayLen(t: Translator): void {
  t.push(loadLength(t, t.pop()));
}

/** `array.fill`. */
export function arrayFill(t: Translator): void {
  const typeIndex = t.reader.readU32Leb();
  const length = t.pop();
  const value = t.pop();
  const start = t.pop();
  const ref = t.pop();
  const layout = t.environment.gcLayouts.array(typeIndex);
  checkNotNull(t, ref);
  chargeArrayRange(t, length, [[ref, start]]);
  fill(t, layout, ref, start, value, length);
}

/** Fills `length` elements from `start` on of an array that is not null, after a check of bounds. */
function fill(
  t: Translator,
  layout: GcArrayLayout,
  ref: Value,
  start: Value,
  value: Value,
  length: Value,
): void {
  const { args, builder } = t;
  if (layout.storage === Storage.v128) return fillByLoop(t, layout, ref, start, value, length);
  args.reset();
  if (layout.storage === Storage.ref) {
    args.push(ref);
    args.push(start);
    args.push(value);
    args.push(length);
    libcall(t, Libcall.array_fill_ref);
    return;
  }
  const bits = bitsOf(t, value);
  args.reset();
  args.push(ref);
  args.push(start);
  args.push(bits);
  args.push(length);
  args.push(builder.iconst64(0, 0));
  libcall(t, Libcall.array_fill);
}

/** The bits of a number or funcref as an i64. */
function bitsOf(t: Translator, value: Value): Value {
  const { builder } = t;
  const type: Type = t.func.type[value];
  if (type === F32) return wide(t, builder.unary(Ir.bitcast, value, I32));
  return type === F64 ? builder.unary(Ir.bitcast, value, I64) : wide(t, value);
}

/** As {@linkcode fill}, for elements that no integer argument holds. */
function fillByLoop(
  t: Translator,
  layout: GcArrayLayout,
  ref: Value,
  start: Value,
  value: Value,
  length: Value,
): void {
  const { args, builder } = t;
  const end = checkRange(t, ref, start, length);
  const header = builder.createBlock(), body = builder.createBlock(), exit = builder.createBlock();
  const index = builder.createBlockParam(header, I32);
  args.reset();
  args.push(start);
  builder.jump(header, args);
  builder.switchTo(header);
  if (t.environment.options.interruption === true) builder.poll();
  builder.brIf(builder.icmp(IntCond.ult, wide(t, index), end), body, exit);
  builder.seal(body);
  builder.seal(exit);
  builder.switchTo(body);
  const at = elementIndex(t, layout, ref, index);
  storeStored(t, layout.storage, ref, at, GC_ARRAY_ELEMENTS, value, objectFlags(TrapCode.none, "mutable"));
  args.reset();
  args.push(builder.binary(Ir.iadd, index, builder.iconst32(1)));
  builder.jump(header, args);
  builder.seal(header);
  builder.switchTo(exit);
}

/** `array.copy`. */
export function arrayCopy(t: Translator): void {
  t.reader.readU32Leb();
  t.reader.readU32Leb();
  const length = t.pop();
  const sourceIndex = t.pop();
  const source = t.pop();
  const index = t.pop();
  const ref = t.pop();
  checkNotNull(t, ref);
  checkNotNull(t, source);
  chargeArrayRange(t, length, [[ref, index], [source, sourceIndex]]);
  t.args.reset();
  t.args.push(ref);
  t.args.push(index);
  t.args.push(source);
  t.args.push(sourceIndex);
  t.args.push(length);
  libcall(t, Libcall.array_copy);
}

/** `array.init_data`, `array.init_elem`: the runtime call of the same name. */
export function arrayInitSegment(number: number): Lower {
  return (t) => {
    t.reader.readU32Leb();
    const segment = t.reader.readU32Leb();
    const length = t.pop();
    const offset = t.pop();
    const index = t.pop();
    const ref = t.pop();
    checkNotNull(t, ref);
    t.args.reset();
    t.args.push(t.builder.iconst32(segment));
    t.args.push(ref);
    t.args.push(index);
    t.args.push(offset);
    t.args.push(length);
    libcall(t, number);
  };
}
